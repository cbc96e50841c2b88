# The most that a role of the stack can do.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "boundary" {
  command = plan

  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement if statement.Effect == "Deny"
      ]) == jsonencode([{
        Action   = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:SetDefaultPolicyVersion", "iam:PutRolePermissionsBoundary"]
        Effect   = "Deny"
        Resource = ["arn:aws:iam::111122223333:policy/gristmill-pipeline-dev-boundary", "arn:aws:iam::111122223333:role/*"]
        Sid      = "NeverLoosenTheBoundary"
    }])
    error_message = "A role within the boundary may loosen it."
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Action if statement.Effect == "Allow"
      ])) == toset([
      "bedrock:InvokeModel",
      "dynamodb:GetItem", "dynamodb:UpdateItem",
      "events:PutEvents",
      "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
      "logs:CreateLogStream", "logs:PutLogEvents",
      "s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject",
      "ses:SendEmail",
      "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
    ])
    error_message = "The boundary allows other actions than the three stages take."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : [
        for resource in flatten([statement.Resource]) :
        can(regex("^arn:aws:s3:::gristmill-dev-111122223333-eu-central-1(/(input|contracts|processed|rejected|manifests|ledger)/\\*)?$", resource))
        || can(regex("^arn:aws:(dynamodb|events|logs|sqs|ses):eu-central-1:111122223333:([a-z-]+[:/])?(/aws/lambda/)?gristmill-dev(-|$)", resource))
        || resource == "arn:aws:ses:eu-central-1:111122223333:identity/dev.example.com"
        || can(regex("^arn:aws:bedrock:(\\*:|eu-central-1:111122223333)?:?(foundation-model|inference-profile|application-inference-profile)/\\*$", resource))
        || (resource == "arn:aws:kms:eu-central-1:111122223333:key/*" && try(statement.Condition["ForAllValues:StringEquals"]["kms:ResourceAliases"] == ["alias/gristmill-dev"], false))
      ] if statement.Effect == "Allow"
    ]))
    error_message = "The boundary reaches beyond the stack."
  }

  # An input is never written, and an output never by its name alone.
  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "s3:PutObject")
    ]) == jsonencode([[for prefix in ["processed", "rejected", "manifests", "ledger"] : "arn:aws:s3:::gristmill-dev-111122223333-eu-central-1/${prefix}/*"]])
    error_message = "The boundary lets a function write inputs or contracts."
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : try(statement.Condition, "none") if statement.Action == "s3:ListBucketVersions"
    ]) == jsonencode([{ StringLike = { "s3:prefix" = ["input/", "input/*"] } }])
    error_message = "The boundary lets a function list versions of more than inputs."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement :
      try(length(statement.Condition.StringEquals["kms:ViaService"]) == 2, false) || try(statement.Condition.StringLike["kms:EncryptionContext:aws:lambda:FunctionArn"] == "arn:aws:lambda:eu-central-1:111122223333:function:gristmill-dev-*", false)
      if contains(flatten([statement.Action]), "kms:Decrypt")
    ])
    error_message = "The boundary lets a function decrypt what is not its own."
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Condition if statement.Action == "events:PutEvents"
    ]) == jsonencode([{ StringEquals = { "events:source" = ["gristmill.processor", "gristmill.analyzer"] } }])
    error_message = "The boundary lets a function publish in the name of others."
  }
}
