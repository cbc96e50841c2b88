# Planning: reads the stack and its state, and changes nothing but the state's lock.

locals {
  state_object = "${local.arns.state_bucket}/${local.state_keys.stack}"

  read_the_state = [
    {
      # Also so that S3 says of a state that is not there yet that it is absent, and not that it is forbidden.
      Sid      = "FindTheState"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.arns.state_bucket
    },
    {
      Sid      = "ReadTheState"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = local.state_object
    },
  ]

  # (https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required)
  lock_the_state = [
    {
      Sid      = "LockTheState"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${local.state_object}.tflock"
    },
  ]

  # What Terraform reads of the stack at each plan (tests/calls.json is a record of it).
  read_the_stack = [
    {
      Sid    = "ReadTheBucket"
      Effect = "Allow"
      Action = [
        "s3:GetAccelerateConfiguration",
        "s3:GetBucketAcl",
        "s3:GetBucketCORS",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketNotification",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
      ]
      Resource = local.stack.bucket
    },
    {
      Sid      = "ReadContracts"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectTagging"]
      Resource = "${local.stack.bucket}/contracts/*"
    },
    {
      Sid      = "ReadQueues"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:ListQueueTags"]
      Resource = local.stack.queues
    },
    {
      Sid      = "ReadFunctions"
      Effect   = "Allow"
      Action   = ["lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:ListTags", "lambda:ListVersionsByFunction"]
      Resource = local.stack.functions
    },
    {
      Sid       = "ReadMappings"
      Effect    = "Allow"
      Action    = "lambda:GetEventSourceMapping"
      Resource  = local.stack.mappings
      Condition = { ArnLike = { "lambda:FunctionArn" = local.stack.functions } }
    },
    {
      # Which function a mapping belongs to is no part of this request.
      Sid      = "ReadMappingsTags"
      Effect   = "Allow"
      Action   = "lambda:ListTags"
      Resource = local.stack.mappings
    },
    {
      Sid      = "ReadTheTable"
      Effect   = "Allow"
      Action   = ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"]
      Resource = local.stack.table
    },
    {
      Sid      = "ReadBusArchiveAndRules"
      Effect   = "Allow"
      Action   = ["events:DescribeArchive", "events:DescribeEventBus", "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
      Resource = concat([local.stack.bus, local.stack.archive], local.stack.rules)
    },
    {
      Sid      = "ReadRoles"
      Effect   = "Allow"
      Action   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
      Resource = local.stack.roles
    },
    {
      Sid      = "ReadAlarmsAndDashboard"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"]
      Resource = [local.stack.alarms, local.stack.dashboard]
    },
    {
      Sid      = "ReadLogGroupsTags"
      Effect   = "Allow"
      Action   = "logs:ListTagsForResource"
      Resource = local.stack.log_groups
    },
    {
      Sid      = "ReadTheTopic"
      Effect   = "Allow"
      Action   = ["sns:GetTopicAttributes", "sns:ListTagsForResource"]
      Resource = local.stack.topic
    },
    {
      Sid      = "ReadTheSender"
      Effect   = "Allow"
      Action   = ["ses:GetConfigurationSet", "ses:GetConfigurationSetEventDestinations", "ses:GetEmailIdentity", "ses:ListTagsForResource"]
      Resource = [local.stack.identity, local.stack.configuration_set]
    },
    {
      Sid      = "ReadTheBudget"
      Effect   = "Allow"
      Action   = ["budgets:ListTagsForResource", "budgets:ViewBudget"]
      Resource = local.stack.budget
    },
    {
      Sid       = "ReadTheKey"
      Effect    = "Allow"
      Action    = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
      Resource  = local.stack.keys
      Condition = local.only_the_stacks_key
    },
    {
      # AWS knows no resource for these: whoever may list, lists all of the account and region.
      #   logs:DescribeLogGroups       https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
      #   kms:ListAliases              https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
      #   sns:GetSubscriptionAttributes  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
      Sid      = "ListWhatHasNoResource"
      Effect   = "Allow"
      Action   = ["kms:ListAliases", "logs:DescribeLogGroups", "sns:GetSubscriptionAttributes"]
      Resource = "*"
    },
  ]
}
