# The three stages: what feeds each, what it may do, and what it is told.

locals {
  place = {
    partition = local.partition
    region    = var.region
    account   = local.account
  }

  settings = {
    processor = {
      GRISTMILL_EVENT_BUS          = local.names.bus
      GRISTMILL_MAX_FILE_BYTES     = var.limits.max_file_bytes == null ? "" : format("%d", var.limits.max_file_bytes)
      GRISTMILL_MAX_UNPACKED_BYTES = var.limits.max_unpacked_bytes == null ? "" : format("%d", var.limits.max_unpacked_bytes)
      GRISTMILL_MAX_UNPACKED_RATIO = var.limits.max_unpacked_ratio == null ? "" : format("%d", var.limits.max_unpacked_ratio)
      GRISTMILL_S3_PATH_STYLE      = tostring(var.s3_path_style)
    }
    analyzer = {
      GRISTMILL_EVENT_BUS      = local.names.bus
      GRISTMILL_TABLE          = local.names.table
      GRISTMILL_MODEL_ID       = var.model.id
      GRISTMILL_RETENTION_DAYS = tostring(var.retention_days)
      GRISTMILL_S3_PATH_STYLE  = tostring(var.s3_path_style)
    }
    notifier = {
      GRISTMILL_TABLE             = local.names.table
      GRISTMILL_SENDER            = local.sender
      GRISTMILL_RECIPIENTS        = join(",", var.recipients)
      GRISTMILL_CONFIGURATION_SET = local.names.configuration_set
      GRISTMILL_OUTPUT_BASE       = "s3://${local.names.bucket}"
      GRISTMILL_RETENTION_DAYS    = tostring(var.retention_days)
      GRISTMILL_S3_PATH_STYLE     = tostring(var.s3_path_style)
      GRISTMILL_UNSETTLED_MAIL    = var.unsettled_mail
    }
  }

  # SES adds this tag to whatever goes through a configuration set; each tag has a list of values.
  # (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html)
  mails_of_ours = { mail = { tags = { "ses:configuration-set" = [local.names.configuration_set] } } }

  # DynamoDB uses the table's key in the name of whoever reads or writes an item.
  # (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html)
  use_table_key = {
    sid        = "UseTheTablesKey"
    actions    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    conditions = { StringEquals = { "kms:ViaService" = ["dynamodb.${var.region}.amazonaws.com"] } }
  }
}

module "processor" {
  source = "./modules/stage"

  function_name = local.names.functions.processor
  description   = "Validates every row of a file and splits it into processed and rejected"
  queue_name    = local.names.queues.processor
  # One delivery, and five more while what failed is mended.
  max_receive_count = 6

  rules = {
    arrivals = {
      name        = local.names.rules.arrivals
      bus         = "default"
      description = "A file was dropped into ${local.names.bucket}/input/"
      pattern = jsonencode({
        source      = ["aws.s3"]
        detail-type = ["Object Created"]
        detail = {
          bucket = { name = [local.names.bucket] }
          object = { key = [{ prefix = "input/" }] }
        }
      })
    }
    sweep = {
      name        = local.names.rules.sweep
      bus         = "default"
      description = "Time to look for files without a run and runs without a mail in ${local.names.bucket}"
      schedule    = "rate(15 minutes)"
      input = jsonencode({
        source      = "gristmill.schedule"
        detail-type = "Sweep Due"
        detail      = { schema = 1, bucket = local.names.bucket }
      })
    }
    # What a sweep finds, and where it goes on, have a rule each: the alarm "files were overlooked" counts the first alone.
    file_overlooked = {
      name        = local.names.rules.file_overlooked
      bus         = aws_cloudwatch_event_bus.this.name
      description = "A sweep found a file that no run has taken up"
      pattern = jsonencode({
        source      = ["gristmill.processor"]
        detail-type = ["File Overlooked"]
      })
    }
    sweep_continued = {
      name        = local.names.rules.sweep_continued
      bus         = aws_cloudwatch_event_bus.this.name
      description = "A sweep was cut short and says where to go on"
      pattern = jsonencode({
        source      = ["gristmill.processor"]
        detail-type = ["Sweep Due"]
      })
    }
  }

  statements = [
    {
      # The version that the event names; a contract by its name.
      sid       = "ReadInputAndContracts"
      actions   = ["s3:GetObject", "s3:GetObjectVersion"]
      resources = ["${local.arns.bucket}/input/*", "${local.arns.bucket}/contracts/*"]
    },
    {
      # To tell an absent contract, manifest or note from a forbidden one: S3 says 403 of both to who may not list. The sweep
      # lists the notes of each day, too.
      # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html)
      sid        = "FindContractsManifestsAndNotes"
      actions    = ["s3:ListBucket"]
      resources  = [local.arns.bucket]
      conditions = { StringLike = { "s3:prefix" = ["contracts/*", "manifests/*", "${local.ledger_prefix}*"] } }
    },
    {
      # What was dropped lately, with the replaced: each version is a file of its own. ListObjectVersions asks for this action,
      # which knows the prefix as a condition.
      # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html,
      #  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html)
      sid        = "SweepInput"
      actions    = ["s3:ListBucketVersions"]
      resources  = [local.arns.bucket]
      conditions = { StringLike = { "s3:prefix" = ["input/", "input/*"] } }
    },
    {
      sid       = "WriteOutputs"
      actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      resources = [for prefix in local.output_prefixes : "${local.arns.bucket}/${prefix}*"]
    },
    {
      # What stands already under an output's key is compared with what would have been written.
      sid       = "VerifyOutputs"
      actions   = ["s3:GetObject"]
      resources = [for prefix in local.output_prefixes : "${local.arns.bucket}/${prefix}*"]
    },
    {
      # Which run a file became is noted once, and read when the file is announced again.
      sid       = "NoteRuns"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["${local.arns.bucket}/${local.ledger_prefix}*"]
    },
    {
      sid       = "PublishTheProcessorsEvents"
      actions   = ["events:PutEvents"]
      resources = [local.arns.bus]
      conditions = {
        StringEquals = {
          "events:source"      = ["gristmill.processor"]
          "events:detail-type" = ["Processing Complete", "File Rejected", "File Overlooked", "Sweep Due"]
        }
      }
    },
  ]

  environment              = local.settings.processor
  sizes                    = var.stages.processor
  package                  = "${var.packages_dir}/processor/bootstrap.zip"
  architecture             = var.architecture
  permissions_boundary_arn = var.permissions_boundary_arn
  key_arn                  = aws_kms_key.this.arn
  code_signing_config_arn  = var.code_signing_config_arn
  place                    = local.place
  log_retention_days       = var.log_retention_days
  alerts_topic_arn         = local.arns.alerts

  # Its events go to this bus.
  depends_on = [aws_cloudwatch_event_bus.this]
}

module "analyzer" {
  source = "./modules/stage"

  function_name     = local.names.functions.analyzer
  description       = "Computes the facts of a processed file and has them put into words"
  queue_name        = local.names.queues.analyzer
  max_receive_count = 6

  rules = {
    processing_complete = {
      name        = local.names.rules.processing_complete
      bus         = aws_cloudwatch_event_bus.this.name
      description = "A file was processed"
      pattern = jsonencode({
        source      = ["gristmill.processor"]
        detail-type = ["Processing Complete"]
      })
    }
  }

  statements = concat(
    [
      {
        sid        = "ReadProcessedAndManifests"
        actions    = ["s3:GetObject"]
        resources  = ["${local.arns.bucket}/processed/*", "${local.arns.bucket}/manifests/*"]
        conditions = {}
      },
      {
        sid        = "ClaimAndStoreAnalyses"
        actions    = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        resources  = [local.arns.table]
        conditions = {}
      },
      {
        sid       = "PublishTheAnalyzersEvents"
        actions   = ["events:PutEvents"]
        resources = [local.arns.bus]
        conditions = {
          StringEquals = {
            "events:source"      = ["gristmill.analyzer"]
            "events:detail-type" = ["Analysis Complete"]
          }
        }
      },
    ],
    # Converse is allowed by the permission to invoke.
    # (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)
    [for arns in [local.model_arns] : {
      sid        = "AskOneModel"
      actions    = ["bedrock:InvokeModel"]
      resources  = arns
      conditions = {}
    } if length(arns) > 0],
  )

  key_statements           = [local.use_table_key]
  environment              = local.settings.analyzer
  sizes                    = var.stages.analyzer
  package                  = "${var.packages_dir}/analyzer/bootstrap.zip"
  architecture             = var.architecture
  permissions_boundary_arn = var.permissions_boundary_arn
  key_arn                  = aws_kms_key.this.arn
  code_signing_config_arn  = var.code_signing_config_arn
  place                    = local.place
  log_retention_days       = var.log_retention_days
  alerts_topic_arn         = local.arns.alerts
}

module "notifier" {
  source = "./modules/stage"

  function_name = local.names.functions.notifier
  description   = "Mails the report of a run and marks it sent"
  queue_name    = local.names.queues.notifier
  # Two more than the others: waiting for the word of SES on an unsettled mail takes deliveries.
  max_receive_count = 8

  rules = {
    analysis_complete = {
      name        = local.names.rules.analysis_complete
      bus         = aws_cloudwatch_event_bus.this.name
      description = "An analysis is stored"
      pattern = jsonencode({
        source      = ["gristmill.analyzer"]
        detail-type = ["Analysis Complete"]
      })
    }
    file_rejected = {
      name        = local.names.rules.file_rejected
      bus         = aws_cloudwatch_event_bus.this.name
      description = "A file was refused as a whole; its owner is told"
      pattern = jsonencode({
        source      = ["gristmill.processor"]
        detail-type = ["File Rejected"]
      })
    }
    # SES's word on a mail, by the names that its kinds of events have on a bus. What went wrong has a rule of its own, which the
    # alarm "mail trouble" counts. SES delivers on a best-effort basis: the notifier does without its word after a time.
    # (https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html,
    #  https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html)
    mail_feedback = {
      name        = local.names.rules.mail_feedback
      bus         = "default"
      description = "SES says how a mail of ${local.names.configuration_set} goes"
      pattern = jsonencode({
        source      = ["aws.ses"]
        detail-type = ["Email Sent", "Email Delivered", "Email Delivery Delayed"]
        detail      = local.mails_of_ours
      })
    }
    mail_trouble = {
      name        = local.names.rules.mail_trouble
      bus         = "default"
      description = "SES says that a mail of ${local.names.configuration_set} did not arrive, or is not welcome"
      pattern = jsonencode({
        source      = ["aws.ses"]
        detail-type = ["Email Bounced", "Email Complaint Received", "Email Rejected", "Email Rendering Failed"]
        detail      = local.mails_of_ours
      })
    }
  }

  statements = [
    {
      sid       = "ReadManifests"
      actions   = ["s3:GetObject"]
      resources = ["${local.arns.bucket}/manifests/*"]
    },
    {
      # That a mail is settled is noted once; what stands there already is compared with it.
      sid       = "NoteSettledMails"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = ["${local.arns.bucket}/${local.ledger_prefix}*"]
    },
    {
      sid       = "ClaimAndMarkAnalyses"
      actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      resources = [local.arns.table]
    },
    {
      # (https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html)
      sid       = "SendAsOneAddressThroughOneConfigurationSet"
      actions   = ["ses:SendEmail"]
      resources = concat([local.arns.identity, local.arns.configuration_set], local.arns.sandbox_recipients)
      conditions = {
        StringEquals = { "ses:FromAddress" = [var.sender] }
      }
    },
  ]

  key_statements           = [local.use_table_key]
  environment              = local.settings.notifier
  sizes                    = var.stages.notifier
  package                  = "${var.packages_dir}/notifier/bootstrap.zip"
  architecture             = var.architecture
  permissions_boundary_arn = var.permissions_boundary_arn
  key_arn                  = aws_kms_key.this.arn
  code_signing_config_arn  = var.code_signing_config_arn
  place                    = local.place
  log_retention_days       = var.log_retention_days
  alerts_topic_arn         = local.arns.alerts
}
