"""Defines the error of a deployment, in words for the person who typed the command."""


class DeploymentFailed(RuntimeError):
    """Says why a stage could not be deployed or destroyed; its text is all that is shown."""
