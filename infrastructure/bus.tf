# The pipeline's own bus. The rules that take events off it belong to the stages (stages.tf).

resource "aws_cloudwatch_event_bus" "this" {
  name        = local.names.bus
  description = "What the stages of ${local.prefix} tell each other"
}

resource "aws_cloudwatch_event_bus_policy" "this" {
  event_bus_name = aws_cloudwatch_event_bus.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # A forged event would be taken for a stage's word.
        Sid       = "OnlyTheStagesPublish"
        Effect    = "Deny"
        Principal = "*"
        Action    = "events:PutEvents"
        Resource  = local.arns.bus
        Condition = {
          ArnNotEquals = { "aws:PrincipalArn" = [local.arns.roles.processor, local.arns.roles.analyzer] }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = local.names.archive
  description      = "What the stages of ${local.prefix} told each other, for a replay"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = var.archive_days
}
