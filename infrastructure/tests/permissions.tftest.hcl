# Each function may do exactly this: the statements are compared whole, so one more is a failure like one less.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "each_function_may_do_its_work_and_no_more" {
  command = plan

  assert {
    condition = jsondecode(module.processor.policies.work) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "WriteOwnLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/gristmill-test-processor:log-stream:*"]
        },
        {
          Sid      = "ConsumeOwnQueue"
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
          Resource = ["arn:aws:sqs:eu-central-1:111122223333:gristmill-test-process"]
        },
        {
          Sid    = "ReadInputAndContracts"
          Effect = "Allow"
          Action = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/input/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/contracts/*",
          ]
        },
        {
          Sid       = "FindContractsManifestsAndNotes"
          Effect    = "Allow"
          Action    = ["s3:ListBucket"]
          Resource  = ["arn:aws:s3:::gristmill-test-111122223333-eu-central-1"]
          Condition = { StringLike = { "s3:prefix" = ["contracts/*", "manifests/*", "ledger/*"] } }
        },
        {
          Sid       = "SweepInput"
          Effect    = "Allow"
          Action    = ["s3:ListBucketVersions"]
          Resource  = ["arn:aws:s3:::gristmill-test-111122223333-eu-central-1"]
          Condition = { StringLike = { "s3:prefix" = ["input/", "input/*"] } }
        },
        {
          Sid    = "WriteOutputs"
          Effect = "Allow"
          Action = ["s3:PutObject", "s3:AbortMultipartUpload"]
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/processed/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/rejected/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/manifests/*",
          ]
        },
        {
          Sid    = "VerifyOutputs"
          Effect = "Allow"
          Action = ["s3:GetObject"]
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/processed/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/rejected/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/manifests/*",
          ]
        },
        {
          Sid      = "NoteRuns"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = ["arn:aws:s3:::gristmill-test-111122223333-eu-central-1/ledger/*"]
        },
        {
          Sid      = "PublishTheProcessorsEvents"
          Effect   = "Allow"
          Action   = ["events:PutEvents"]
          Resource = ["arn:aws:events:eu-central-1:111122223333:event-bus/gristmill-test"]
          Condition = {
            StringEquals = {
              "events:source"      = ["gristmill.processor"]
              "events:detail-type" = ["Processing Complete", "File Rejected", "File Overlooked", "Sweep Due"]
            }
          }
        },
      ]
    }
    error_message = "The processor's permissions are not exactly those of its work."
  }

  assert {
    condition = jsondecode(module.analyzer.policies.work) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "WriteOwnLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/gristmill-test-analyzer:log-stream:*"]
        },
        {
          Sid      = "ConsumeOwnQueue"
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
          Resource = ["arn:aws:sqs:eu-central-1:111122223333:gristmill-test-analyze"]
        },
        {
          Sid    = "ReadProcessedAndManifests"
          Effect = "Allow"
          Action = ["s3:GetObject"]
          Resource = [
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/processed/*",
            "arn:aws:s3:::gristmill-test-111122223333-eu-central-1/manifests/*",
          ]
        },
        {
          Sid      = "ClaimAndStoreAnalyses"
          Effect   = "Allow"
          Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
          Resource = ["arn:aws:dynamodb:eu-central-1:111122223333:table/gristmill-test-analyses"]
        },
        {
          Sid      = "PublishTheAnalyzersEvents"
          Effect   = "Allow"
          Action   = ["events:PutEvents"]
          Resource = ["arn:aws:events:eu-central-1:111122223333:event-bus/gristmill-test"]
          Condition = {
            StringEquals = {
              "events:source"      = ["gristmill.analyzer"]
              "events:detail-type" = ["Analysis Complete"]
            }
          }
        },
        {
          Sid      = "AskOneModel"
          Effect   = "Allow"
          Action   = ["bedrock:InvokeModel"]
          Resource = ["arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-lite-v1:0"]
        },
      ]
    }
    error_message = "The analyzer's permissions are not exactly those of its work."
  }

  assert {
    condition = jsondecode(module.notifier.policies.work) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "WriteOwnLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/gristmill-test-notifier:log-stream:*"]
        },
        {
          Sid      = "ConsumeOwnQueue"
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
          Resource = ["arn:aws:sqs:eu-central-1:111122223333:gristmill-test-notify"]
        },
        {
          Sid      = "ReadManifests"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["arn:aws:s3:::gristmill-test-111122223333-eu-central-1/manifests/*"]
        },
        {
          Sid      = "NoteSettledMails"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = ["arn:aws:s3:::gristmill-test-111122223333-eu-central-1/ledger/*"]
        },
        {
          Sid      = "ClaimAndMarkAnalyses"
          Effect   = "Allow"
          Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
          Resource = ["arn:aws:dynamodb:eu-central-1:111122223333:table/gristmill-test-analyses"]
        },
        {
          Sid    = "SendAsOneAddressThroughOneConfigurationSet"
          Effect = "Allow"
          Action = ["ses:SendEmail"]
          Resource = [
            "arn:aws:ses:eu-central-1:111122223333:identity/example.com",
            "arn:aws:ses:eu-central-1:111122223333:configuration-set/gristmill-test",
          ]
          Condition = { StringEquals = { "ses:FromAddress" = ["reports@example.com"] } }
        },
      ]
    }
    error_message = "The notifier's permissions are not exactly those of its work."
  }

  assert {
    condition = jsondecode(module.processor.policies.key) == {
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
          Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = ["arn:aws:lambda:eu-central-1:111122223333:function:gristmill-test-processor"] } }
        },
      ]
    }
    error_message = "The processor uses the key for its messages and its settings, and for nothing else."
  }

  assert {
    condition = [for name in ["analyzer", "notifier"] : jsondecode({ analyzer = module.analyzer, notifier = module.notifier }[name].policies.key)] == [
      for name in ["analyzer", "notifier"] : {
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
            Condition = { StringEquals = { "kms:EncryptionContext:aws:lambda:FunctionArn" = ["arn:aws:lambda:eu-central-1:111122223333:function:gristmill-test-${name}"] } }
          },
          {
            Sid       = "UseTheTablesKey"
            Effect    = "Allow"
            Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
            Resource  = ["arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"]
            Condition = { StringEquals = { "kms:ViaService" = ["dynamodb.eu-central-1.amazonaws.com"] } }
          },
        ]
      }
    ]
    error_message = "Analyzer and notifier use the key for their messages, their settings and the table, and for nothing else."
  }
}
