# What is stored outside the bucket: the table, and the key that all of it is encrypted with.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "analyses_are_found_kept_and_encrypted" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.analyses.name == "gristmill-test-analyses" && aws_dynamodb_table.analyses.hash_key == "run_id" && aws_dynamodb_table.analyses.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table is not one item a run, paid by request."
  }

  assert {
    condition = {
      for index in aws_dynamodb_table.analyses.global_secondary_index :
      index.name => "${index.hash_key}, ${index.range_key}: ${index.projection_type}"
      } == {
      by-dataset        = "dataset, analysis_timestamp: INCLUDE"
      by-correlation-id = "correlation_id, analysis_timestamp: KEYS_ONLY"
    }
    error_message = "Analyses are not found by dataset and time, and by correlation id."
  }

  assert {
    condition = alltrue([
      aws_dynamodb_table.analyses.point_in_time_recovery[0].enabled,
      aws_dynamodb_table.analyses.ttl[0].enabled,
      aws_dynamodb_table.analyses.ttl[0].attribute_name == "ttl",
      aws_dynamodb_table.analyses.server_side_encryption[0].enabled,
      aws_dynamodb_table.analyses.server_side_encryption[0].kms_key_arn == aws_kms_key.this.arn,
    ])
    error_message = "The table is not recoverable to a point in time, or its items do not expire, or the stack's key does not encrypt it."
  }

  assert {
    condition     = aws_dynamodb_table.analyses.deletion_protection_enabled && !aws_s3_bucket.this[0].force_destroy
    error_message = "By default nothing that is stored goes with a `terraform destroy`."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30 && aws_kms_alias.this.name == "alias/gristmill-test"
    error_message = "The key is not rotated, or is deleted too soon, or has another alias."
  }

  assert {
    condition = jsondecode(aws_kms_key.this.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "AccountDecidesByItsOwnPolicies"
          Effect    = "Allow"
          Principal = { AWS = "arn:aws:iam::111122223333:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
        {
          Sid       = "EventsReachEncryptedQueues"
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" } }
        },
        {
          Sid       = "AlarmsAndBudgetsReachTheEncryptedTopic"
          Effect    = "Allow"
          Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
          Resource  = "*"
          Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" } }
        },
        {
          Sid       = "LogsAreWrittenEncrypted"
          Effect    = "Allow"
          Principal = { Service = "logs.eu-central-1.amazonaws.com" }
          Action    = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
          Resource  = "*"
          Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/gristmill-test-*" } }
        },
      ]
    }
    error_message = "The key may be used by others than the account, EventBridge, CloudWatch, Budgets and the stack's log groups."
  }
}

run "a_stack_to_try_things_on_can_be_removed" {
  command = plan

  variables {
    deletion_protection = false
  }

  assert {
    condition     = !aws_dynamodb_table.analyses.deletion_protection_enabled && aws_s3_bucket.this[0].force_destroy
    error_message = "Without deletion protection, `terraform destroy` is still refused."
  }
}
