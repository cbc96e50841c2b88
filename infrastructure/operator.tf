# What somebody may do who looks after the stack with `gristmill replay`, `redrive`, `status` and `backfill`
# (docs/OPERATE.md): read the notes of the stages, and put messages into their queues. An output, and no role: who the
# operators are is the account's to say.

locals {
  queue_arns = [for stage in local.stages : "arn:${local.partition}:sqs:${local.at}:${local.names.queues[stage]}"]

  operator_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "AnnounceFilesAndMoveLettersBack"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
        Resource = local.queue_arns
      },
      {
        Sid    = "TakeDeadLetters"
        Effect = "Allow"
        Action = [
          "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"
        ]
        Resource = [for arn in local.queue_arns : "${arn}-dead-letters"]
      },
      {
        # The queues are encrypted.
        # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html)
        Sid       = "UseTheQueuesKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = [aws_kms_key.this.arn]
        Condition = { StringEquals = { "kms:ViaService" = "sqs.${var.region}.amazonaws.com" } }
      },
      {
        # No file is opened: their names and versions are enough.
        Sid       = "ListFilesNotesAndManifests"
        Effect    = "Allow"
        Action    = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource  = [local.arns.bucket]
        Condition = { StringLike = { "s3:prefix" = ["input/*", "${local.ledger_prefix}*", "manifests/*"] } }
      },
      {
        Sid      = "ReadNotesAndManifests"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.arns.bucket}/${local.ledger_prefix}*", "${local.arns.bucket}/manifests/*"]
      },
      {
        Sid      = "ReadAnalyses"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem"]
        Resource = [local.arns.table]
      },
      {
        Sid       = "UseTheTablesKey"
        Effect    = "Allow"
        Action    = local.use_table_key.actions
        Resource  = [aws_kms_key.this.arn]
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${var.region}.amazonaws.com" } }
      },
    ]
  }
}
