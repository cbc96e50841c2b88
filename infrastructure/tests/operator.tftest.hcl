# What an operator may do is what docs/OPERATE.md says, word for word; and nothing that a command could not need.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "an_operator_may_do_what_the_guide_says_and_no_more" {
  command = plan

  assert {
    condition = jsondecode(output.operator_policy) == jsondecode(replace(
      regex("(?s)<!-- policy -->\n```json\n(.*?)\n```", file("../docs/OPERATE.md"))[0], "gristmill-dev", "gristmill-test"
    ))
    error_message = "The operators' policy is not the one that docs/OPERATE.md shows."
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(output.operator_policy).Statement : statement.Action])) == toset([
      "dynamodb:GetItem",
      "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
      "s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions",
      "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage",
    ])
    error_message = "An operator may do something else than read the stages' notes and move messages."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(output.operator_policy).Statement :
      alltrue([for arn in statement.Resource : endswith(arn, "-dead-letters")])
      if contains(statement.Action, "sqs:ReceiveMessage") || contains(statement.Action, "sqs:DeleteMessage")
    ])
    error_message = "An operator may take messages out of a queue that a function works off."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(output.operator_policy).Statement :
      can(statement.Condition.StringEquals["kms:ViaService"]) if anytrue([for action in statement.Action : startswith(action, "kms:")])
    ])
    error_message = "An operator may use the stack's key past the services."
  }
}

run "the_names_of_the_command_are_those_of_the_stack" {
  command = plan

  assert {
    condition = alltrue([
      for stage, work in { processor = "process", analyzer = "analyze", notifier = "notify" } :
      local.names.queues[stage] == "gristmill-test-${work}"
    ]) && local.names.table == "gristmill-test-analyses" && local.names.bucket == "gristmill-test-111122223333-eu-central-1"
    error_message = "crates/operator/src/names.rs makes other names of the stack's."
  }
}
