# The role: who takes it on, what it may do, and what bounds it.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  override_resource {
    target = aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh"
      id  = "https://sqs.eu-central-1.amazonaws.com/111122223333/example-weigh"
    }
  }

  override_resource {
    target = aws_sqs_queue.dead_letters
    values = {
      arn = "arn:aws:sqs:eu-central-1:111122223333:example-weigh-dead-letters"
      id  = "https://sqs.eu-central-1.amazonaws.com/111122223333/example-weigh-dead-letters"
    }
  }
}

run "lambda_alone_takes_on_the_role" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "LambdaRunsTheFunction"
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }]
    }
    error_message = "Somebody beside Lambda may take on the role."
  }

  assert {
    condition     = aws_iam_role.this.name == "example-weigher" && aws_iam_role.this.permissions_boundary == null
    error_message = "The role has another name than its function, or a boundary that nobody gave it."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.work.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "WriteOwnLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/example-weigher:log-stream:*"]
        },
        {
          Sid      = "ConsumeOwnQueue"
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
          Resource = ["arn:aws:sqs:eu-central-1:111122223333:example-weigh"]
        },
        {
          Sid      = "ReadGrain"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["arn:aws:s3:::example/grain/*"]
        },
        {
          Sid       = "TellTheMill"
          Effect    = "Allow"
          Action    = ["events:PutEvents"]
          Resource  = ["arn:aws:events:eu-central-1:111122223333:event-bus/example"]
          Condition = { StringEquals = { "events:source" = ["example.weigher"] } }
        },
      ]
    }
    error_message = "The role may not do exactly: its log, its queue, and what its work asks for."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.key.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "DecryptOwnMessages"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = ["arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"]
          Condition = { StringEquals = { "kms:ViaService" = ["sqs.eu-central-1.amazonaws.com"] } }
        },
        {
          Sid       = "DecryptOwnSettings"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = ["arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"]
          Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = ["arn:aws:lambda:eu-central-1:111122223333:function:example-weigher"] } }
        },
      ]
    }
    error_message = "The role may not use the key for exactly its messages and its settings."
  }

  # Names, since a mocked role has no id but a made-up one.
  assert {
    condition     = aws_iam_role_policy.work.role == aws_iam_role.this.id && aws_iam_role_policy.key.role == aws_iam_role.this.id && aws_lambda_function.this.role == aws_iam_role.this.arn
    error_message = "The policies or the function belong to another role."
  }
}

run "a_boundary_bounds_the_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/example-boundary"
    key_statements = [{
      sid        = "UseTheTablesKey"
      actions    = ["kms:Decrypt"]
      conditions = { StringEquals = { "kms:ViaService" = ["dynamodb.eu-central-1.amazonaws.com"] } }
    }]
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::111122223333:policy/example-boundary"
    error_message = "The role does not have the boundary that it was given."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.key.policy).Statement[2] == {
      Sid       = "UseTheTablesKey"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = ["arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"]
      Condition = { StringEquals = { "kms:ViaService" = ["dynamodb.eu-central-1.amazonaws.com"] } }
    }
    error_message = "The stage's own use of the key is not allowed as it was asked for."
  }
}
