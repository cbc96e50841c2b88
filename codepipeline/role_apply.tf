# Applying: makes and changes what the stack consists of, by its names. It deletes nothing that holds data: no bucket, no
# table, no key, no queue, no log, no archive. A plan that would do so fails here, and a person carries it out.

locals {
  write_the_state = [
    {
      Sid      = "WriteTheState"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = local.state_object
    },
  ]

  change_the_stack = concat(local.change_the_bucket, [
    {
      # A contract that is taken out of the repository is taken out of the bucket. Its versions stay.
      Sid      = "ChangeContracts"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:PutObject", "s3:PutObjectTagging"]
      Resource = "${local.stack.bucket}/contracts/*"
    },
    {
      Sid      = "ChangeQueues"
      Effect   = "Allow"
      Action   = ["sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"]
      Resource = local.stack.queues
    },
    {
      Sid    = "ChangeFunctions"
      Effect = "Allow"
      Action = [
        "lambda:CreateFunction",
        "lambda:DeleteFunction",
        "lambda:DeleteFunctionConcurrency",
        "lambda:PutFunctionConcurrency",
        "lambda:TagResource",
        "lambda:UntagResource",
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
      ]
      Resource = local.stack.functions
    },
    {
      Sid       = "ChangeMappings"
      Effect    = "Allow"
      Action    = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      Resource  = local.stack.mappings
      Condition = { ArnLike = { "lambda:FunctionArn" = local.stack.functions } }
    },
    {
      # A mapping has no ARN before it is made, so this knows no resource; the condition says whose it may be.
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html)
      Sid       = "CreateMappings"
      Effect    = "Allow"
      Action    = "lambda:CreateEventSourceMapping"
      Resource  = "*"
      Condition = { ArnLike = { "lambda:FunctionArn" = local.stack.functions } }
    },
    {
      Sid       = "TagMappings"
      Effect    = "Allow"
      Action    = "lambda:TagResource"
      Resource  = local.stack.mappings
      Condition = { StringEquals = { "aws:RequestTag/stack" = local.prefix } }
    },
    {
      Sid      = "ChangeTheTable"
      Effect   = "Allow"
      Action   = ["dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"]
      Resource = local.stack.table
    },
    {
      Sid    = "ChangeBusArchiveAndRules"
      Effect = "Allow"
      Action = [
        "events:CreateArchive",
        "events:CreateEventBus",
        "events:DeleteRule",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
        "events:TagResource",
        "events:UntagResource",
        "events:UpdateArchive",
        "events:UpdateEventBus",
      ]
      Resource = concat([local.stack.bus, local.stack.archive], local.stack.rules)
    },
    {
      # A bus's policy is set by an action that knows no resource and no condition.
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html)
      Sid      = "ChangeTheBussPolicy"
      Effect   = "Allow"
      Action   = ["events:PutPermission", "events:RemovePermission"]
      Resource = "*"
    },
    {
      # With the boundary, or not at all.
      Sid       = "MakeAndChangeBoundedRoles"
      Effect    = "Allow"
      Action    = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = local.stack.roles
      Condition = { StringEquals = { "iam:PermissionsBoundary" = local.arns.boundary } }
    },
    {
      # These know no condition on the boundary. Who may take a role is of no use beyond its boundary.
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html)
      Sid    = "DescribeAndRemoveRoles"
      Effect = "Allow"
      Action = [
        "iam:DeleteRole",
        "iam:ListInstanceProfilesForRole",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ]
      Resource = local.stack.roles
    },
    {
      Sid       = "GiveRolesToFunctionsOnly"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = local.stack.roles
      Condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } }
    },
    {
      Sid      = "ChangeAlarmsAndDashboard"
      Effect   = "Allow"
      Action   = ["cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"]
      Resource = [local.stack.alarms, local.stack.dashboard]
    },
    {
      Sid      = "ChangeLogGroups"
      Effect   = "Allow"
      Action   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"]
      Resource = local.stack.log_groups
    },
    {
      Sid      = "ChangeTheTopic"
      Effect   = "Allow"
      Action   = ["sns:CreateTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:UntagResource"]
      Resource = local.stack.topic
    },
    {
      # A subscription is no resource of its own for SNS's permissions.
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html)
      Sid      = "EndSubscriptions"
      Effect   = "Allow"
      Action   = "sns:Unsubscribe"
      Resource = "*"
    },
    {
      Sid    = "ChangeTheSender"
      Effect = "Allow"
      Action = [
        "ses:CreateConfigurationSet",
        "ses:CreateConfigurationSetEventDestination",
        "ses:CreateEmailIdentity",
        "ses:DeleteConfigurationSetEventDestination",
        "ses:PutConfigurationSetDeliveryOptions",
        "ses:PutConfigurationSetReputationOptions",
        "ses:PutConfigurationSetSendingOptions",
        "ses:PutConfigurationSetSuppressionOptions",
        "ses:TagResource",
        "ses:UntagResource",
        "ses:UpdateConfigurationSetEventDestination",
      ]
      Resource = [local.stack.identity, local.stack.configuration_set]
    },
    {
      Sid      = "ChangeTheBudget"
      Effect   = "Allow"
      Action   = ["budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"]
      Resource = local.stack.budget
    },
    {
      # A key has no ARN before it is made, so this knows no resource; the condition asks for the stack's tag.
      # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html)
      Sid       = "MakeTheKey"
      Effect    = "Allow"
      Action    = "kms:CreateKey"
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestTag/stack" = local.prefix } }
    },
    {
      # PutKeyPolicy is asked of who makes a key, too: KMS makes no key that its maker could not administer.
      # (https://docs.aws.amazon.com/kms/latest/developerguide/create-keys.html)
      Sid       = "ChangeTheKey"
      Effect    = "Allow"
      Action    = ["kms:CreateAlias", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription"]
      Resource  = local.stack.keys
      Condition = local.only_the_stacks_key
    },
    {
      Sid      = "NameTheKey"
      Effect   = "Allow"
      Action   = "kms:CreateAlias"
      Resource = local.stack.key_alias_arn
    },
    {
      # A table and a function's settings are encrypted in the name of who makes them, and go on by a grant.
      # (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html,
      #  https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html)
      Sid      = "EncryptTableAndSettings"
      Effect   = "Allow"
      Action   = ["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Resource = local.stack.keys
      Condition = merge(local.only_the_stacks_key, {
        StringEquals = { "kms:ViaService" = [for service in ["dynamodb", "lambda"] : "${service}.${var.region}.amazonaws.com"] }
      })
    },
  ])

  # A bucket that the stack does not own has one policy and one lifecycle, and they are its owner's.
  change_the_bucket = [for own in [var.existing_bucket == null] : {
    Sid    = "ChangeTheBucket"
    Effect = "Allow"
    Action = [
      "s3:CreateBucket",
      "s3:PutBucketLogging",
      "s3:PutBucketNotification",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketTagging",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
    ]
    Resource = local.stack.bucket
  } if own]

  # What no change of the statements above may ever bring.
  never = [
    {
      Sid      = "NeverLoosenTheBoundary"
      Effect   = "Deny"
      Action   = local.loosen_the_boundary
      Resource = [local.arns.boundary, "arn:${local.partition}:iam::${local.account}:role/*"]
    },
    {
      Sid    = "NeverChangeThePipeline"
      Effect = "Deny"
      Action = [
        "iam:AttachRolePolicy",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PassRole",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:UpdateAssumeRolePolicy",
      ]
      Resource = local.arns.own_roles
    },
  ]
}
