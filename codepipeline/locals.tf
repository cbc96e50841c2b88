data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  # The stack's names begin with `prefix`, the pipeline's with `own`. Neither is the beginning of the other, so that what
  # may change <prefix>-* cannot change the pipeline.
  prefix = "${var.name}-${var.environment}"
  own    = "${var.name}-pipeline-${var.environment}"

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Between "arn:aws:<service>:" and the resource.
  at = "${var.region}:${local.account}"

  # Every name of this root, once. ARNs are made of them, so that a plan shows whole policies, and not that they are known
  # after the apply.
  names = {
    pipeline      = local.own
    connection    = local.prefix
    state_bucket  = "${local.prefix}-state-${local.account}-${var.region}"
    build_bucket  = "${local.prefix}-build-${local.account}-${var.region}"
    key_alias     = "alias/${local.own}"
    alerts        = "${local.own}-alerts"
    undelivered   = "${local.own}-undelivered"
    boundary      = "${local.own}-boundary"
    projects      = { for step in local.steps : step => "${local.own}-${step}" }
    log_groups    = { for step in local.steps : step => "/aws/codebuild/${local.own}-${step}" }
    pipeline_role = "${local.own}-run"
  }

  # What CodeBuild runs, each with a project, a log and a role of its own.
  steps = ["build", "plan", "apply", "smoke"]

  # Where the two states lie in the bucket: the stack's, and the one of this root.
  state_keys = {
    stack    = "${var.name}/${var.environment}/terraform.tfstate"
    pipeline = "${var.name}/${var.environment}/pipeline.tfstate"
  }

  arns = {
    pipeline     = "arn:${local.partition}:codepipeline:${local.at}:${local.names.pipeline}"
    projects     = { for step, name in local.names.projects : step => "arn:${local.partition}:codebuild:${local.at}:project/${name}" }
    state_bucket = "arn:${local.partition}:s3:::${local.names.state_bucket}"
    build_bucket = "arn:${local.partition}:s3:::${local.names.build_bucket}"
    alerts       = "arn:${local.partition}:sns:${local.at}:${local.names.alerts}"
    undelivered  = "arn:${local.partition}:sqs:${local.at}:${local.names.undelivered}"
    boundary     = "arn:${local.partition}:iam::${local.account}:policy/${local.names.boundary}"
    own_roles    = "arn:${local.partition}:iam::${local.account}:role/${local.own}-*"
  }

  # The stack's resources, as infrastructure/locals.tf names them.
  stack = {
    bucket    = "arn:${local.partition}:s3:::${coalesce(var.existing_bucket, "${local.prefix}-${local.account}-${var.region}")}"
    table     = "arn:${local.partition}:dynamodb:${local.at}:table/${local.prefix}-analyses"
    bus       = "arn:${local.partition}:events:${local.at}:event-bus/${local.prefix}"
    archive   = "arn:${local.partition}:events:${local.at}:archive/${local.prefix}"
    topic     = "arn:${local.partition}:sns:${local.at}:${local.prefix}-alerts"
    dashboard = "arn:${local.partition}:cloudwatch::${local.account}:dashboard/${local.prefix}"
    budget    = "arn:${local.partition}:budgets::${local.account}:budget/${local.prefix}"
    identity  = "arn:${local.partition}:ses:${local.at}:identity/${var.identity}"
    # In the sandbox SES looks for a permission for the recipient's identity as well as for the sender's.
    sandbox_recipients = [for identity in var.sandbox_recipients : "arn:${local.partition}:ses:${local.at}:identity/${identity}"]
    configuration_set  = "arn:${local.partition}:ses:${local.at}:configuration-set/${local.prefix}"
    key_alias          = "alias/${local.prefix}"
    key_alias_arn      = "arn:${local.partition}:kms:${local.at}:alias/${local.prefix}"

    # Of these there are several, or may be with the next change; a change of the stack needs no change here.
    functions  = "arn:${local.partition}:lambda:${local.at}:function:${local.prefix}-*"
    log_groups = "arn:${local.partition}:logs:${local.at}:log-group:/aws/lambda/${local.prefix}-*"
    queues     = "arn:${local.partition}:sqs:${local.at}:${local.prefix}-*"
    alarms     = "arn:${local.partition}:cloudwatch:${local.at}:alarm:${local.prefix}-*"
    roles      = "arn:${local.partition}:iam::${local.account}:role/${local.prefix}-*"
    rules = [
      "arn:${local.partition}:events:${local.at}:rule/${local.prefix}-*",
      "arn:${local.partition}:events:${local.at}:rule/${local.prefix}/${local.prefix}-*",
    ]

    # AWS gives these their names, so they are told apart by conditions.
    keys     = "arn:${local.partition}:kms:${local.at}:key/*"
    mappings = "arn:${local.partition}:lambda:${local.at}:event-source-mapping:*"
  }

  # The stack's key, by what a key's ARN does not show. A key that was made a moment ago has no alias yet, and an alias
  # and a tag may take five minutes to count, so neither is asked for: a key is refused that has another alias, or
  # another stack's tag. What is left over are keys of the account with no alias and no such tag.
  # (https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html)
  only_the_stacks_key = {
    "ForAllValues:StringEquals" = { "kms:ResourceAliases" = [local.stack.key_alias] }
    StringEqualsIfExists        = { "aws:ResourceTag/stack" = local.prefix }
  }
}
