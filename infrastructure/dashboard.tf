# What a person sees: what came in and what went out first, then the stages.

locals {
  queue_names = [for stage in local.stages : local.names.queues[stage]]

  widgets = [
    {
      title = "Files in, reports out"
      stat  = "Sum"
      metrics = [
        ["AWS/Events", "TriggeredRules", "RuleName", local.names.rules.arrivals, { label = "files dropped" }],
        ["AWS/Events", "TriggeredRules", "EventBusName", local.names.bus, "RuleName", local.names.rules.analysis_complete, { label = "analyses finished" }],
        ["AWS/Events", "TriggeredRules", "EventBusName", local.names.bus, "RuleName", local.names.rules.file_rejected, { label = "files refused" }],
        ["AWS/Events", "TriggeredRules", "EventBusName", local.names.bus, "RuleName", local.names.rules.file_overlooked, { label = "files overlooked" }],
        ["AWS/Events", "TriggeredRules", "RuleName", local.names.rules.mail_trouble, { label = "mail trouble" }],
      ]
    },
    {
      title   = "Given up: dead letters"
      stat    = "Maximum"
      metrics = [for name in local.queue_names : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${name}-dead-letters"]]
    },
    {
      title   = "Waiting: age of the oldest message (s)"
      stat    = "Maximum"
      metrics = [for name in local.queue_names : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name]]
    },
    {
      title   = "Duration of an invocation (ms)"
      stat    = "p95"
      metrics = [for stage in local.stages : ["AWS/Lambda", "Duration", "FunctionName", local.names.functions[stage]]]
    },
    {
      title = "Errors and throttles"
      stat  = "Sum"
      metrics = [
        for pair in setproduct(["Errors", "Throttles"], local.stages) :
        ["AWS/Lambda", pair[0], "FunctionName", local.names.functions[pair[1]]]
      ]
    },
    {
      title   = "Invocations at a time"
      stat    = "Maximum"
      metrics = [for stage in local.stages : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.names.functions[stage]]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.names.dashboard

  dashboard_body = jsonencode({
    widgets = [
      for index, widget in local.widgets : {
        type = "metric"
        # Two in a row of 24 columns.
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          region  = var.region
          stat    = widget.stat
          period  = 300
          metrics = widget.metrics
        }
      }
    ]
  })
}
