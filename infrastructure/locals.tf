data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  prefix    = "${var.name}-${var.environment}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # Between "arn:aws:<service>:" and the resource.
  at = "${var.region}:${local.account}"

  # Every name of the stack, once. ARNs are made of them, so that a plan shows whole policies, and not that they are
  # known after the apply.
  names = {
    bucket            = coalesce(var.existing_bucket, "${local.prefix}-${local.account}-${var.region}")
    bus               = local.prefix
    archive           = local.prefix
    table             = "${local.prefix}-analyses"
    configuration_set = local.prefix
    alerts            = "${local.prefix}-alerts"
    key_alias         = "alias/${local.prefix}"
    dashboard         = local.prefix
    budget            = local.prefix

    functions = { for stage in local.stages : stage => "${local.prefix}-${stage}" }
    queues = {
      processor = "${local.prefix}-process"
      analyzer  = "${local.prefix}-analyze"
      notifier  = "${local.prefix}-notify"
    }
    rules = {
      arrivals            = "${local.prefix}-arrivals"
      sweep               = "${local.prefix}-sweep"
      sweep_continued     = "${local.prefix}-sweep-continued"
      file_overlooked     = "${local.prefix}-file-overlooked"
      processing_complete = "${local.prefix}-processing-complete"
      file_rejected       = "${local.prefix}-file-rejected"
      analysis_complete   = "${local.prefix}-analysis-complete"
      mail_feedback       = "${local.prefix}-mail-feedback"
      mail_trouble        = "${local.prefix}-mail-trouble"
    }
  }

  own_bucket = var.existing_bucket == null

  stages = ["processor", "analyzer", "notifier"]

  arns = {
    bucket            = "arn:${local.partition}:s3:::${local.names.bucket}"
    bus               = "arn:${local.partition}:events:${local.at}:event-bus/${local.names.bus}"
    default_bus       = "arn:${local.partition}:events:${local.at}:event-bus/default"
    table             = "arn:${local.partition}:dynamodb:${local.at}:table/${local.names.table}"
    configuration_set = "arn:${local.partition}:ses:${local.at}:configuration-set/${local.names.configuration_set}"
    identity          = "arn:${local.partition}:ses:${local.at}:identity/${var.identity}"
    # In the sandbox SES looks for a permission for the recipient's identity as well as for the sender's.
    sandbox_recipients = [for identity in var.sandbox_recipients : "arn:${local.partition}:ses:${local.at}:identity/${identity}"]
    alerts             = "arn:${local.partition}:sns:${local.at}:${local.names.alerts}"
    roles              = { for stage, name in local.names.functions : stage => "arn:${local.partition}:iam::${local.account}:role/${name}" }
  }

  # Where the processor writes, and nobody else. An output is written once.
  output_prefixes = ["processed/", "rejected/", "manifests/"]
  # Where the processor notes which run an upload became, and the notifier that the run's mail is settled. Each note is
  # written once, and one without the other is what the sweep looks for (docs/decisions/0031).
  ledger_prefix = "ledger/"

  # What the analyzer may invoke. A profile is the account's to invoke, and its model, which is called like the profile
  # without the group of regions, is invoked where the profile routes to.
  # (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html)
  profiled_model = trimprefix(var.model.id, "${split(".", var.model.id)[0]}.")
  model_arns = (
    var.model.id == "off" ? [] :
    length(var.model.arns) > 0 ? var.model.arns :
    length(var.model.profile_regions) > 0 ? concat(
      ["arn:${local.partition}:bedrock:${local.at}:inference-profile/${var.model.id}"],
      [for region in var.model.profile_regions : "arn:${local.partition}:bedrock:${region}::foundation-model/${local.profiled_model}"],
    ) :
    ["arn:${local.partition}:bedrock:${var.region}::foundation-model/${var.model.id}"]
  )

  sender = (
    var.sender_name == "" ? var.sender :
    strcontains(var.sender_name, ".") ? "\"${var.sender_name}\" <${var.sender}>" :
    "${var.sender_name} <${var.sender}>"
  )
}
