# The most that a role of the stack can do, whatever its own policies say. The role that applies plans may only make and
# change roles that have this boundary, so what it cannot do itself it cannot do through a function either.
# It follows what the three stages do (infrastructure/stages.tf). A stage that needs more needs a change here first, which
# a person applies.

resource "aws_iam_policy" "boundary" {
  name        = local.names.boundary
  description = "The most that the functions of ${local.prefix} may do"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.boundary_statements
  })
}

locals {
  boundary_statements = [
    {
      Sid      = "WriteOwnLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.stack.log_groups}:log-stream:*"
    },
    {
      Sid      = "ConsumeOwnQueues"
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
      Resource = local.stack.queues
    },
    {
      Sid      = "ReadFiles"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = [for prefix in ["input", "contracts", "processed", "rejected", "manifests", "ledger"] : "${local.stack.bucket}/${prefix}/*"]
    },
    {
      # Without a condition on the prefix: whether S3 says 404 or 403 of an absent key hangs on this permission alone.
      Sid      = "TellAbsentFromForbidden"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.stack.bucket
    },
    {
      # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html)
      Sid       = "SweepInput"
      Effect    = "Allow"
      Action    = "s3:ListBucketVersions"
      Resource  = local.stack.bucket
      Condition = { StringLike = { "s3:prefix" = ["input/", "input/*"] } }
    },
    {
      Sid      = "WriteOutputsAndLedger"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = [for prefix in ["processed", "rejected", "manifests", "ledger"] : "${local.stack.bucket}/${prefix}/*"]
    },
    {
      Sid       = "PublishOwnEvents"
      Effect    = "Allow"
      Action    = "events:PutEvents"
      Resource  = local.stack.bus
      Condition = { StringEquals = { "events:source" = ["gristmill.processor", "gristmill.analyzer"] } }
    },
    {
      Sid      = "ClaimAndStoreAnalyses"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      Resource = local.stack.table
    },
    {
      # Which model is the stack's to say (its variable `model`). A profile may be AWS's or the account's.
      Sid    = "AskModels"
      Effect = "Allow"
      Action = "bedrock:InvokeModel"
      Resource = [
        "arn:${local.partition}:bedrock:*::foundation-model/*",
        "arn:${local.partition}:bedrock:${local.at}:inference-profile/*",
        "arn:${local.partition}:bedrock:${local.at}:application-inference-profile/*",
      ]
    },
    {
      Sid      = "SendAsOneIdentity"
      Effect   = "Allow"
      Action   = "ses:SendEmail"
      Resource = concat([local.stack.identity, local.stack.configuration_set], local.stack.sandbox_recipients)
    },
    {
      Sid      = "UseTheKeyThroughQueuesAndTable"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Resource = local.stack.keys
      Condition = merge(local.only_the_stacks_key, {
        StringEquals = { "kms:ViaService" = [for service in ["sqs", "dynamodb"] : "${service}.${var.region}.amazonaws.com"] }
      })
    },
    {
      # (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html)
      Sid       = "DecryptOwnSettings"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.stack.keys
      Condition = merge(local.only_the_stacks_key, { StringLike = { "kms:EncryptionContext:aws:lambda:FunctionArn" = local.stack.functions } })
    },
    {
      # Nothing above allows it. This holds also when somebody adds to what is above.
      Sid      = "NeverLoosenTheBoundary"
      Effect   = "Deny"
      Action   = concat(local.loosen_the_boundary, ["iam:PutRolePermissionsBoundary"])
      Resource = [local.arns.boundary, "arn:${local.partition}:iam::${local.account}:role/*"]
    },
  ]

  loosen_the_boundary = [
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:SetDefaultPolicyVersion",
  ]
}
