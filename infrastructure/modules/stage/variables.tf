variable "function_name" {
  description = "Name of the function, of its role and, behind /aws/lambda/, of its log group."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name: 1 to 64 letters, digits, hyphens and underscores are accepted."
  }
}

variable "description" {
  description = "What the function does, in one line."
  type        = string
}

variable "queue_name" {
  description = "Name of the queue that feeds the function. Its dead-letter queue is called the same with -dead-letters."
  type        = string

  validation {
    # SQS takes 80 characters, of which -dead-letters needs 13; EventBridge takes 64 for the id of a target.
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.queue_name))
    error_message = "queue_name: 1 to 64 letters, digits, hyphens and underscores are accepted."
  }
}

variable "max_receive_count" {
  description = "Deliveries of a message before it goes to the dead-letter queue."
  type        = number

  validation {
    # SQS may count a delivery that never reached the function.
    # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html)
    condition     = var.max_receive_count >= 3 && var.max_receive_count <= 1000
    error_message = "max_receive_count: 3 to 1000 is accepted; fewer would park messages that no function ever saw."
  }
}

variable "rules" {
  description = <<-EOT
    EventBridge rules that feed the queue, by a short name.
      name         The rule's name.
      bus          Its bus: `default` or a custom one.
      description  What it is for.
      pattern      Which events it takes, in JSON; they reach the queue as they are.
      schedule     Instead of a pattern: when it sends `input`, such as rate(15 minutes). On the default bus only.
      input        What a schedule sends, in the form of an event: `source`, `detail-type` and `detail`, in JSON.
  EOT
  type = map(object({
    name        = string
    bus         = string
    description = string
    pattern     = optional(string)
    schedule    = optional(string)
    input       = optional(string)
  }))

  validation {
    condition     = length(var.rules) > 0
    error_message = "rules: a stage without a rule is never fed."
  }

  validation {
    # A short name is the id of a metric in an expression, which CloudWatch takes no hyphens in.
    # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html)
    condition     = alltrue([for key in keys(var.rules) : can(regex("^[a-z][a-zA-Z0-9_]*$", key)) && key != "undelivered"])
    error_message = "rules: short names are letters, digits and underscores, beginning with a small letter, and not undelivered, which is the sum of them."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : can(regex("^[A-Za-z0-9._-]{1,64}$", rule.name))])
    error_message = "rules: names of 1 to 64 letters, digits, dots, hyphens and underscores are accepted."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : (rule.pattern == null) != (rule.schedule == null)])
    error_message = "rules: each has either a pattern or a schedule."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : rule.pattern == null || can(keys(jsondecode(rule.pattern)))])
    error_message = "rules: each pattern is a JSON object."
  }

  validation {
    condition     = alltrue([for rule in values(var.rules) : rule.schedule == null || can(regex("^(rate|cron)\\([^()]+\\)$", rule.schedule))])
    error_message = "rules: a schedule is rate(…) or cron(…), such as rate(15 minutes)."
  }

  validation {
    # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html)
    condition     = alltrue([for rule in values(var.rules) : rule.schedule == null || rule.bus == "default"])
    error_message = "rules: a schedule is accepted on the default bus only; EventBridge runs none on a custom one."
  }

  validation {
    # A function reads one form of message, whoever sent it.
    condition = alltrue([
      for rule in values(var.rules) : rule.schedule == null ? rule.input == null : can([
        for part in ["source", "detail-type", "detail"] : jsondecode(rule.input)[part]
      ])
    ])
    error_message = "rules: a schedule sends an input with source, detail-type and detail, in JSON; a pattern has none, its events are handed over as they are."
  }
}

variable "package" {
  description = "Path of the zip file that holds the function's `bootstrap`."
  type        = string
}

variable "architecture" {
  description = "Instruction set that the package was built for: arm64 or x86_64."
  type        = string

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64 is accepted."
  }
}

variable "sizes" {
  description = "Memory in MB, longest invocation in seconds, most invocations that the queue starts at a time, and invocations kept for the function (-1 for none)."
  type = object({
    memory_mb            = number
    timeout_seconds      = number
    maximum_concurrency  = number
    reserved_concurrency = number
  })

  validation {
    condition     = var.sizes.memory_mb >= 128 && var.sizes.memory_mb <= 10240
    error_message = "memory_mb: 128 to 10240 is accepted."
  }

  validation {
    # A message stays hidden for six times the timeout, and SQS hides one for twelve hours at most.
    condition     = var.sizes.timeout_seconds >= 10 && var.sizes.timeout_seconds <= 900
    error_message = "timeout_seconds: 10 to 900 is accepted."
  }

  validation {
    condition     = var.sizes.maximum_concurrency >= 2 && var.sizes.maximum_concurrency <= 1000
    error_message = "maximum_concurrency: 2 to 1000 is accepted; Lambda knows no less for a queue."
  }

  validation {
    # A queue that starts more than the function may run is throttled, and each throttled delivery counts as a failed one.
    condition     = var.sizes.reserved_concurrency == -1 || var.sizes.reserved_concurrency >= var.sizes.maximum_concurrency
    error_message = "reserved_concurrency: -1 (none), or at least maximum_concurrency, is accepted; less would send messages to the dead-letter queue that were never tried."
  }
}

variable "environment" {
  description = "The function's environment variables. One with an empty value is left out."
  type        = map(string)
}

variable "statements" {
  description = "What the function may do beside reading its own queue and writing its own log: one intent a statement."
  type = list(object({
    sid        = string
    actions    = list(string)
    resources  = list(string)
    conditions = optional(map(map(list(string))), {})
  }))

  validation {
    condition     = alltrue([for statement in var.statements : can(regex("^[A-Za-z0-9]+$", statement.sid))])
    error_message = "statements: each needs a sid of letters and digits that says what it is for."
  }

  validation {
    condition     = alltrue(flatten([for statement in var.statements : [for action in statement.actions : !strcontains(action, "*")]]))
    error_message = "statements: actions are named one by one, without wildcards."
  }

  validation {
    condition     = alltrue(flatten([for statement in var.statements : [for resource in statement.resources : startswith(resource, "arn:")]]))
    error_message = "statements: resources are ARNs; \"*\" alone is not accepted."
  }
}

variable "key_statements" {
  description = "What the function may do with the stage's key beside decrypting its own messages and settings. Each needs a condition."
  type = list(object({
    sid        = string
    actions    = list(string)
    conditions = map(map(list(string)))
  }))
  default = []

  validation {
    condition     = alltrue([for statement in var.key_statements : length(statement.conditions) > 0])
    error_message = "key_statements: each needs a condition, such as the service through which the key is used."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the function's role, or null."
  type        = string
}

variable "key_arn" {
  description = "KMS key of queues, log group and environment variables."
  type        = string
}

variable "code_signing_config_arn" {
  description = "Code signing configuration that Lambda checks the package against, or null: packages need no signature."
  type        = string
  default     = null
}

variable "place" {
  description = "Where the stage is: the partition, the region and the account, which its ARNs are made of."
  type = object({
    partition = string
    region    = string
    account   = string
  })
}

variable "log_retention_days" {
  description = "How long the function's log is kept, in days."
  type        = number
}

variable "alerts_topic_arn" {
  description = "SNS topic that the alarms tell."
  type        = string
}
