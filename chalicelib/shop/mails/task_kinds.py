"""The kinds of tasks that mails handle, as the messages of their queue name them."""

MAIL_CONFIRMATION = "mail_confirmation"
MAIL_REFUND = "mail_refund"
MAIL_FAILED_PAYMENT = "mail_failed_payment"
MAIL_LINK = "mail_link"
SEND_MAIL = "send_mail"
FORGET_MAILS = "forget_mails"
