"""Why a stage could not be deployed or destroyed, in words for whoever typed the command."""


class DeploymentFailed(RuntimeError):
    """Its text is all that is shown."""
