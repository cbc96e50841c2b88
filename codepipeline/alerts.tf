# Whom the pipeline tells: that a run failed, that a plan waits for approval, that a state or an artifact was deleted.

resource "aws_sns_topic" "alerts" {
  name              = local.names.alerts
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.arns.alerts
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OwnRulesTell"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.arns.alerts
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }
      },
      {
        Sid       = "OwnAlarmsTell"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.arns.alerts
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.at}:alarm:${local.own}-*" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = toset(var.alert_emails)

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

locals {
  rules = {
    failed = {
      description = "A run of ${local.names.pipeline} failed"
      pattern = {
        source      = ["aws.codepipeline"]
        detail-type = ["CodePipeline Pipeline Execution State Change"]
        detail = {
          pipeline = [local.names.pipeline]
          state    = ["FAILED"]
        }
      }
      # The event's own words are for programs.
      paths   = { pipeline = "$.detail.pipeline", run = "$.detail.execution-id", at = "$.time" }
      message = "The pipeline <pipeline> failed at <at> (run <run>). The step that failed links to its log: open the pipeline in the console, or read the log groups /aws/codebuild/${local.own}-*."
    }
    deleted = {
      description = "Somebody deleted a state or an artifact of ${local.names.pipeline}"
      pattern = {
        source      = ["aws.s3"]
        detail-type = ["Object Deleted"]
        detail = {
          bucket = { name = [local.names.state_bucket, local.names.build_bucket] }
          # Terraform deletes its lock at the end of each run.
          object = { key = [{ anything-but = { suffix = ".tflock" } }] }
          # The lifecycle's own deletions have another reason.
          # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html)
          reason = ["DeleteObject"]
        }
      }
      paths   = { bucket = "$.detail.bucket.name", key = "$.detail.object.key", by = "$.detail.requester", at = "$.time" }
      message = "At <at> somebody of account <by> deleted <key> from <bucket>. No step of the pipeline does that. The bucket keeps its versions: CloudTrail says who it was, and the version before the delete marker is what to go back to."
    }
  }

  rule_names = { for key in keys(local.rules) : key => "${local.own}-${key}" }
  rule_arns  = [for name in values(local.rule_names) : "arn:${local.partition}:events:${local.at}:rule/${name}"]
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rules

  name          = local.rule_names[each.key]
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.rules

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = local.names.alerts
  arn       = aws_sns_topic.alerts.arn

  input_transformer {
    input_paths = each.value.paths
    # One text in JSON. The placeholders are EventBridge's, and jsonencode would write their brackets as escapes.
    input_template = "\"${each.value.message}\""
  }

  # EventBridge drops what it could not hand over in this time, unless there is a dead-letter queue.
  # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html)
  retry_policy {
    maximum_event_age_in_seconds = 24 * 60 * 60
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.undelivered.arn
  }

  # An event before the topic lets the rule in would be a dead letter, or lost.
  depends_on = [aws_sns_topic_policy.alerts, aws_sqs_queue_policy.undelivered]
}

# What the topic did not take.
resource "aws_sqs_queue" "undelivered" {
  name = local.names.undelivered
  # 14 days, the longest that SQS knows.
  message_retention_seconds = 14 * 24 * 60 * 60
  kms_master_key_id         = aws_kms_key.this.arn
  # A data key is asked for once an hour, and not every five minutes: each request to KMS costs.
  kms_data_key_reuse_period_seconds = 60 * 60
}

resource "aws_sqs_queue_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.arns.undelivered
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OnlyOwnRulesSend"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.arns.undelivered
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }
      },
    ]
  })
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  alarm_name          = "${local.names.undelivered}-messages"
  alarm_description   = "EventBridge could not tell ${local.names.alerts} something, and put it into ${local.names.undelivered}, where it is kept for 14 days. Look at the policies of the topic and of the key; the messages say what was missed."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = local.names.undelivered }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.arns.alerts]
  ok_actions          = [local.arns.alerts]
}
