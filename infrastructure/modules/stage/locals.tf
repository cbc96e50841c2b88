locals {
  at = "${var.place.region}:${var.place.account}"

  log_group_name = "/aws/lambda/${var.function_name}"
  dead_name      = "${var.queue_name}-dead-letters"

  # Made of names, so that a plan shows them.
  queue_arn    = "arn:${var.place.partition}:sqs:${local.at}:${var.queue_name}"
  dead_arn     = "arn:${var.place.partition}:sqs:${local.at}:${local.dead_name}"
  function_arn = "arn:${var.place.partition}:lambda:${local.at}:function:${var.function_name}"
  # The rule's bus is part of its ARN, but for the default one.
  rule_arns = [
    for rule in values(var.rules) :
    "arn:${var.place.partition}:events:${local.at}:rule/${rule.bus == "default" ? "" : "${rule.bus}/"}${rule.name}"
  ]
}
