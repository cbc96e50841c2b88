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
    }
  }

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
  }

  statements = [
    {
      # The version that the event names; a contract by its name.
      sid       = "ReadInputAndContracts"
      actions   = ["s3:GetObject", "s3:GetObjectVersion"]
      resources = ["${local.arns.bucket}/input/*", "${local.arns.bucket}/contracts/*"]
    },
    {
      # To tell an absent contract or manifest from a forbidden one: S3 says 403 of both to who may not list.
      # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html)
      sid        = "FindContractsAndManifests"
      actions    = ["s3:ListBucket"]
      resources  = [local.arns.bucket]
      conditions = { StringLike = { "s3:prefix" = ["contracts/*", "manifests/*"] } }
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
      sid       = "PublishTheProcessorsEvents"
      actions   = ["events:PutEvents"]
      resources = [local.arns.bus]
      conditions = {
        StringEquals = {
          "events:source"      = ["gristmill.processor"]
          "events:detail-type" = ["Processing Complete", "File Rejected"]
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

  # Its rule is on the default bus, but its events go to this one.
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
    mail_feedback = {
      name        = local.names.rules.mail_feedback
      bus         = "default"
      description = "SES says what became of a mail of ${local.names.configuration_set}"
      pattern = jsonencode({
        source = ["aws.ses"]
        detail = {
          mail = { tags = { "ses:configuration-set" = [local.names.configuration_set] } }
        }
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
