# What the function may do: what every stage needs, and what its own work asks for.

resource "aws_iam_role" "this" {
  name                 = var.function_name
  description          = "Role of the function ${var.function_name}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LambdaRunsTheFunction"
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

locals {
  own_statements = [
    {
      # Not to create the log group: it is there, with its retention.
      sid        = "WriteOwnLog"
      actions    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources  = ["arn:${var.place.partition}:logs:${local.at}:log-group:${local.log_group_name}:log-stream:*"]
      conditions = {}
    },
    {
      # Lambda polls the queue with the function's role.
      sid        = "ConsumeOwnQueue"
      actions    = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
      resources  = [local.queue_arn]
      conditions = {}
    },
  ]

  own_key_statements = [
    {
      sid        = "DecryptOwnMessages"
      actions    = ["kms:Decrypt"]
      conditions = { StringEquals = { "kms:ViaService" = ["sqs.${var.place.region}.amazonaws.com"] } }
    },
    {
      # (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html)
      sid        = "DecryptOwnSettings"
      actions    = ["kms:Decrypt"]
      conditions = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = [local.function_arn] } }
    },
  ]
}

resource "aws_iam_role_policy" "work" {
  name = "work"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.own_statements, var.statements) : merge(
        {
          Sid      = statement.sid
          Effect   = "Allow"
          Action   = statement.actions
          Resource = statement.resources
        },
        length(statement.conditions) == 0 ? {} : { Condition = statement.conditions },
      )
    ]
  })
}

# By itself, because the key's ARN is not known before the first apply: the first plan still shows all of the above.
resource "aws_iam_role_policy" "key" {
  name = "key"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.own_key_statements, var.key_statements) : {
        Sid       = statement.sid
        Effect    = "Allow"
        Action    = statement.actions
        Resource  = [var.key_arn]
        Condition = statement.conditions
      }
    ]
  })
}
