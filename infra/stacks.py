"""Brings one CloudFormation stack to a template, and reports every event that matters as it happens."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.failures import DeploymentFailed

POLL = 3.0
"""The stack is asked for its state every so many seconds."""

_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
_NEVER_MADE = {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
_CONSEQUENCES = ("cancelled", "canceled", "The following resource(s) failed")
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Describes what happened to one resource of a stack."""

    at: datetime
    resource: str
    kind: str
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def is_a_cause(self) -> bool:
        """Tell whether the event is a failure, and not a consequence of another one."""
        return self.failed and not any(sign in self.reason for sign in _CONSEQUENCES)


Tell = Callable[[Event], None]


class Stack:
    """Manages one stack; `tell` is called with each event, in order."""

    def __init__(self, cloudformation: Any, name: str, tell: Tell, poll: float = POLL) -> None:
        self._cloudformation = cloudformation
        self.name = name
        self._tell = tell
        self._poll = poll

    def bring_to(self, template: Mapping[str, str], parameters: Mapping[str, str]) -> bool:
        """Bring the stack to the template, and tell whether anything had to change.

        `template` is TemplateBody or TemplateURL. What the account has kept of an earlier stack of this name (the log,
        say) is taken back into it.

        Raises:
            DeploymentFailed: resources have failed; each is named with its reason.
        """
        self._wait_until_nobody_else_changes_it()
        if self._status() in _NEVER_MADE:
            self.delete()
        kind = "CREATE" if self._status() is None else "UPDATE"
        change_set = self._propose(kind, template, parameters)
        if change_set is None:
            return False
        before = self._newest_event()
        self._cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change_set)
        self._follow(before, f"{kind}_COMPLETE")
        return True

    def delete(self) -> None:
        """Delete the stack, if there is one.

        Raises:
            DeploymentFailed: it cannot be deleted.
        """
        self._wait_until_nobody_else_changes_it()
        found = self._describe()
        if found is None:
            return
        before = self._newest_event()
        self._cloudformation.delete_stack(StackName=self.name)
        self._follow(before, "DELETE_COMPLETE", stack_id=found["StackId"])

    @property
    def exists(self) -> bool:
        return self._status() is not None

    def outputs(self) -> dict[str, str]:
        """Return the outputs, or None if there is no such stack."""
        found = self._describe() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def resources(self) -> list[Json]:
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [summary for page in pages for summary in page["StackResourceSummaries"]]

    def template(self) -> Json | str:
        found: Json | str = self._cloudformation.get_template(StackName=self.name)["TemplateBody"]
        return found

    def _propose(self, kind: str, template: Mapping[str, str], parameters: Mapping[str, str]) -> str | None:
        """Return the change set's id, or None if it would change nothing.

        Raises:
            DeploymentFailed: CloudFormation refuses the change.
        """
        try:
            change_set: str = self._cloudformation.create_change_set(
                StackName=self.name,
                ChangeSetName=f"deploy-{time.time_ns()}",
                ChangeSetType=kind,
                Capabilities=_CAPABILITIES,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                ImportExistingResources=True,
                **template,
            )["Id"]
        except ClientError as error:
            raise DeploymentFailed(f"{self.name}: {_message(error)}") from error
        found = self._wait_for_change_set(change_set)
        if found["Status"] == "CREATE_COMPLETE":
            return change_set
        self._cloudformation.delete_change_set(ChangeSetName=change_set, StackName=self.name)
        reason = found.get("StatusReason", "")
        if any(sign in reason for sign in _NOTHING_TO_DO):
            return None
        raise DeploymentFailed(f"{self.name}: {reason}")

    def _wait_for_change_set(self, change_set: str) -> Json:
        while True:
            found: Json = self._cloudformation.describe_change_set(ChangeSetName=change_set, StackName=self.name)
            if found["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return found
            time.sleep(self._poll)

    def _wait_until_nobody_else_changes_it(self) -> None:
        while (self._status() or "").endswith("_IN_PROGRESS") and self._status() != "REVIEW_IN_PROGRESS":
            time.sleep(self._poll)

    def _follow(self, before: str | None, wanted: str, stack_id: str | None = None) -> None:
        """Report every event after `before` until the stack rests."""
        causes: list[Event] = []
        which = stack_id or self.name
        while True:
            status = self._status(which) or "DELETE_COMPLETE"
            for event_id, event in self._events_after(before, which):
                before = event_id
                self._tell(event)
                causes += [event] if event.is_a_cause else []
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(self._poll)
        if status != wanted:
            lines = [f"  {cause.resource} ({cause.kind}): {cause.reason}" for cause in causes]
            lines += [f"  {reason}" for reason in self._what_validation_found(which)]
            raise DeploymentFailed("\n".join([f"{self.name} is {status}, not {wanted}:", *lines]))

    def _events_after(self, before: str | None, which: str) -> Iterator[tuple[str, Event]]:
        fresh: list[Json] = []
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=which)
        for event in (event for page in pages for event in page["StackEvents"]):
            if event["EventId"] == before:
                break
            fresh.append(event)
        for event in reversed(fresh):
            yield (
                event["EventId"],
                Event(
                    event["Timestamp"],
                    event["LogicalResourceId"],
                    event["ResourceType"],
                    event["ResourceStatus"],
                    event.get("ResourceStatusReason", ""),
                ),
            )

    def _what_validation_found(self, which: str) -> list[str]:
        """Return what CloudFormation found in the template before it began.

        It reports that in these events alone.
        """
        pages = self._cloudformation.get_paginator("describe_events").paginate(
            StackName=which, Filters={"FailedEvents": True}
        )
        events = [event for page in pages for event in page["OperationEvents"]]
        return [event["ValidationStatusReason"] for event in events if "ValidationStatusReason" in event]

    def _newest_event(self) -> str | None:
        found = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return found[0]["EventId"] if found else None

    def _status(self, which: str | None = None) -> str | None:
        found = self._describe(which)
        return None if found is None else str(found["StackStatus"])

    def _describe(self, which: str | None = None) -> Json | None:
        """Return the stack's description, or None if there is no such stack any more.

        Raises:
            DeploymentFailed: CloudFormation cannot be asked.
        """
        try:
            found: Json = self._cloudformation.describe_stacks(StackName=which or self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in _message(error):
                return None
            raise DeploymentFailed(f"{self.name}: {_message(error)}") from error
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def _message(error: ClientError) -> str:
    return str(error.response["Error"]["Message"])
