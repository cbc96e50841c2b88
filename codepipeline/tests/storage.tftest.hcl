# States, artifacts, and who is told.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "buckets" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "gristmill-dev-state-111122223333-eu-central-1" && aws_s3_bucket.build.bucket == "gristmill-dev-build-111122223333-eu-central-1"
    error_message = "The buckets are called otherwise."
  }

  assert {
    condition     = alltrue([for which in ["state", "build"] : aws_s3_bucket_versioning.this[which].versioning_configuration[0].status == "Enabled"])
    error_message = "A bucket keeps no versions."
  }

  assert {
    condition = alltrue([
      for which in ["state", "build"] : [
        for rule in aws_s3_bucket_server_side_encryption_configuration.this[which].rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.this.arn
      ] == [true]
    ])
    error_message = "A bucket is not encrypted with the pipeline's key."
  }

  assert {
    condition = alltrue([
      for which in ["state", "build"] :
      aws_s3_bucket_public_access_block.this[which].block_public_acls && aws_s3_bucket_public_access_block.this[which].block_public_policy
      && aws_s3_bucket_public_access_block.this[which].ignore_public_acls && aws_s3_bucket_public_access_block.this[which].restrict_public_buckets
      && aws_s3_bucket_ownership_controls.this[which].rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "A bucket can be made public."
  }

  assert {
    condition = alltrue([
      for which in ["state", "build"] : jsonencode([for statement in jsondecode(aws_s3_bucket_policy.this[which].policy).Statement : [statement.Sid, statement.Effect, statement.Condition]]) == jsonencode([
        ["TlsOnly", "Deny", { Bool = { "aws:SecureTransport" = "false" } }],
        ["OnlyKmsEncrypts", "Deny", { Null = { "s3:x-amz-server-side-encryption" = "false" }, StringNotEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" } }],
      ])
    ])
    error_message = "A bucket takes requests without TLS, or objects encrypted otherwise."
  }

  assert {
    condition = (
      length([for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule if length(rule.expiration) > 0]) == 0
      && [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule.noncurrent_version_expiration[0].noncurrent_days if length(rule.noncurrent_version_expiration) > 0] == [365]
      && [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : rule.noncurrent_version_expiration[0].newer_noncurrent_versions if length(rule.noncurrent_version_expiration) > 0] == [20]
      && [for rule in aws_s3_bucket_lifecycle_configuration.build.rule : rule.expiration[0].days] == [30]
    )
    error_message = "A state expires, its versions do not, or artifacts stay."
  }

  # No plan shows this: it is an order to Terraform itself.
  assert {
    condition = (
      can(regex("(?s)resource \"aws_s3_bucket\" \"state\" \\{[^}]*prevent_destroy = true", file("${path.module}/buckets.tf")))
      && can(regex("(?s)resource \"aws_kms_key\" \"this\" \\{.*prevent_destroy = true", file("${path.module}/key.tf")))
    )
    error_message = "The states or their key can be destroyed by mistake."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "There are access logs, although nobody named a bucket for them."
  }
}

run "access_logs" {
  command = plan

  variables {
    access_log_bucket = "access-logs-of-example"
  }

  assert {
    condition     = alltrue([for which in ["state", "build"] : aws_s3_bucket_logging.this[which].target_bucket == "access-logs-of-example"])
    error_message = "A bucket has no access log."
  }
}

run "key" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key does not rotate."
  }

  # Without these, events, alarms and logs fail without a word.
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_kms_key.this.policy).Statement : values(statement.Principal)])) == toset([
      "arn:aws:iam::111122223333:root", "events.amazonaws.com", "cloudwatch.amazonaws.com", "logs.eu-central-1.amazonaws.com",
    ])
    error_message = "A service that needs the key may not use it, or another one may."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : can(statement.Condition) if can(statement.Principal.Service)])
    error_message = "A service may use the key in the name of another account."
  }
}

run "alerts" {
  command = plan

  assert {
    condition = jsonencode(jsondecode(aws_cloudwatch_event_rule.this["failed"].event_pattern)) == jsonencode({
      source      = ["aws.codepipeline"]
      detail-type = ["CodePipeline Pipeline Execution State Change"]
      detail      = { pipeline = ["gristmill-pipeline-dev"], state = ["FAILED"] }
    })
    error_message = "A failed run is not noticed."
  }

  assert {
    condition = jsonencode(jsondecode(aws_cloudwatch_event_rule.this["deleted"].event_pattern)) == jsonencode({
      source      = ["aws.s3"]
      detail-type = ["Object Deleted"]
      detail = {
        bucket = { name = ["gristmill-dev-state-111122223333-eu-central-1", "gristmill-dev-build-111122223333-eu-central-1"] }
        object = { key = [{ anything-but = { suffix = ".tflock" } }] }
        reason = ["DeleteObject"]
      }
    })
    error_message = "A deleted state is not noticed, or each lock is."
  }

  assert {
    condition     = alltrue([for which in ["state", "build"] : aws_s3_bucket_notification.this[which].eventbridge])
    error_message = "A bucket does not say what happens in it."
  }

  assert {
    condition = alltrue([
      for key, target in aws_cloudwatch_event_target.this :
      target.arn == aws_sns_topic.alerts.arn && target.retry_policy[0].maximum_retry_attempts == 185 && target.dead_letter_config[0].arn == aws_sqs_queue.undelivered.arn
    ]) && toset(keys(aws_cloudwatch_event_target.this)) == toset(["failed", "deleted"])
    error_message = "What a rule finds is lost when the topic does not take it."
  }

  # A text in JSON once its placeholders are filled in.
  assert {
    condition     = alltrue([for key, target in aws_cloudwatch_event_target.this : can(jsondecode(target.input_transformer[0].input_template)) && alltrue([for name in keys(target.input_transformer[0].input_paths) : strcontains(target.input_transformer[0].input_template, "<${name}>")])])
    error_message = "EventBridge could not fill in what it tells."
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_sns_topic_policy.alerts.policy).Statement : [statement.Sid, statement.Condition]
      ]) == jsonencode([
      ["TlsOnly", { Bool = { "aws:SecureTransport" = "false" } }],
      ["OwnRulesTell", { ArnEquals = { "aws:SourceArn" = ["arn:aws:events:eu-central-1:111122223333:rule/gristmill-pipeline-dev-deleted", "arn:aws:events:eu-central-1:111122223333:rule/gristmill-pipeline-dev-failed"] } }],
      ["OwnAlarmsTell", { ArnLike = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:gristmill-pipeline-dev-*" } }],
    ])
    error_message = "The topic takes from others, or not from its own rules and alarms."
  }

  assert {
    condition     = [for statement in jsondecode(aws_sqs_queue_policy.undelivered.policy).Statement : statement.Sid] == ["TlsOnly", "OnlyOwnRulesSend"]
    error_message = "The queue of undelivered alerts takes from others."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.undelivered.metric_name == "ApproximateNumberOfMessagesVisible"
      && aws_cloudwatch_metric_alarm.undelivered.dimensions.QueueName == aws_sqs_queue.undelivered.name
      && aws_cloudwatch_metric_alarm.undelivered.threshold == 0
      && aws_cloudwatch_metric_alarm.undelivered.alarm_actions == toset(["arn:aws:sns:eu-central-1:111122223333:gristmill-pipeline-dev-alerts"])
    )
    error_message = "Nobody is told of undelivered alerts."
  }

  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == aws_kms_key.this.arn && aws_sqs_queue.undelivered.kms_master_key_id == aws_kms_key.this.arn
    error_message = "Alerts are not encrypted with the pipeline's key."
  }
}
