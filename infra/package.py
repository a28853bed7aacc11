"""`python -m infra.package`: the CloudFormation package, built and checked as CI and a deployment want it."""
