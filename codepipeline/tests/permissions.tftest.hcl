# What each role may do, read from the policies as AWS gets them.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "every_role" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.work), values(aws_iam_role_policy.key), [aws_iam_policy.read_the_stack, aws_iam_role_policy.pipeline_work, aws_iam_role_policy.pipeline_key]) : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in flatten([statement.Action]) : !strcontains(action, "*")
        ]
      ]
    ]))
    error_message = "A role has an action with a wildcard."
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.work), values(aws_iam_role_policy.key), [aws_iam_policy.read_the_stack, aws_iam_role_policy.pipeline_work, aws_iam_role_policy.pipeline_key]) : [
        for statement in jsondecode(policy.policy).Statement : can(regex("^[A-Za-z0-9]+$", statement.Sid))
      ]
    ]))
    error_message = "A statement has no Sid that says what it is for."
  }

  # AWS knows no resource for what these allow; each has a comment with the page that says so.
  assert {
    condition = jsonencode({
      for step, policy in merge(aws_iam_role_policy.work, { read = aws_iam_policy.read_the_stack }) : step => sort([
        for statement in jsondecode(policy.policy).Statement : statement.Sid if contains(flatten([statement.Resource]), "*")
      ])
      }) == jsonencode({
      build = []
      plan  = []
      read  = ["ListWhatHasNoResource"]
      apply = ["ChangeTheBussPolicy", "CreateMappings", "EndSubscriptions", "MakeTheKey"]
      smoke = []
    })
    error_message = "Another statement than the known ones is allowed on every resource."
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.key), [aws_iam_role_policy.pipeline_work, aws_iam_role_policy.pipeline_key]) : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) : startswith(resource, "arn:aws:") && !endswith(resource, ":*")
        ]
      ]
    ]))
    error_message = "A policy of the pipeline's own resources names more than them."
  }

  # All but what AWS names itself is the stack's, the state's, or the pipeline's own log and artifacts.
  assert {
    condition = alltrue(flatten([
      for policy in concat(values(aws_iam_role_policy.work), [aws_iam_policy.read_the_stack]) : [
        for statement in jsondecode(policy.policy).Statement : [
          for resource in flatten([statement.Resource]) :
          resource == "*"
          || can(regex("^arn:aws:s3:::gristmill-dev-(111122223333|state-111122223333|build-111122223333)-eu-central-1(/|$)", resource))
          || can(regex("^arn:aws:(cloudwatch|dynamodb|events|iam|lambda|logs|sns|sqs|ses|budgets|kms):(eu-central-1)?:111122223333:([a-z-]+[:/])?(alias/)?(/aws/lambda/)?gristmill-dev(-|/|$)", resource))
          || can(regex("^arn:aws:logs:eu-central-1:111122223333:log-group:/aws/codebuild/gristmill-pipeline-dev-(build|plan|apply|smoke):log-stream:\\*$", resource))
          || resource == "arn:aws:ses:eu-central-1:111122223333:identity/dev.example.com"
          || (resource == "arn:aws:kms:eu-central-1:111122223333:key/*" && try(statement.Condition["ForAllValues:StringEquals"]["kms:ResourceAliases"] == ["alias/gristmill-dev"] && statement.Condition.StringEqualsIfExists["aws:ResourceTag/stack"] == "gristmill-dev", false))
          || (resource == "arn:aws:lambda:eu-central-1:111122223333:event-source-mapping:*" && (statement.Sid == "ReadMappingsTags" || can(statement.Condition)))
        ] if statement.Effect == "Allow"
      ]
    ]))
    error_message = "A role is allowed something on a resource that is not the stack's."
  }

  assert {
    condition = length(setintersection(
      toset(flatten([for policy in concat(values(aws_iam_role_policy.work), [aws_iam_policy.read_the_stack]) : [for statement in jsondecode(policy.policy).Statement : statement.Action if statement.Effect == "Allow"]])),
      toset([
        "dynamodb:DeleteTable", "events:DeleteArchive", "events:DeleteEventBus", "kms:DisableKey", "kms:ScheduleKeyDeletion",
        "logs:DeleteLogGroup", "s3:DeleteBucket", "s3:DeleteObjectVersion", "s3:PutBucketAcl", "sqs:DeleteQueue", "sqs:PurgeQueue",
        "iam:AttachRolePolicy", "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:CreateUser", "iam:CreateAccessKey",
        "iam:DeleteRolePermissionsBoundary", "sts:AssumeRole",
      ]),
    )) == 0
    error_message = "A role may delete something that holds data, or make identities beyond the stack's roles."
  }

  assert {
    condition = alltrue([
      for step, role in aws_iam_role.step :
      jsondecode(role.assume_role_policy).Statement == [{
        Sid       = "OwnProjectRuns"
        Effect    = "Allow"
        Principal = { Service = "codebuild.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "111122223333" }
          ArnEquals    = { "aws:SourceArn" = "arn:aws:codebuild:eu-central-1:111122223333:project/gristmill-pipeline-dev-${step}" }
        }
      }]
    ])
    error_message = "Somebody else than its own project may take a step's role."
  }

  assert {
    condition     = jsondecode(aws_iam_role.pipeline.assume_role_policy).Statement[0].Condition.ArnEqualsIfExists["aws:SourceArn"] == "arn:aws:codepipeline:eu-central-1:111122223333:gristmill-pipeline-dev"
    error_message = "Another pipeline may take the pipeline's role."
  }

  # A managed policy is wider than what is asked for here, and grows by itself.
  assert {
    condition = alltrue([
      for name in fileset(path.module, "*.tf") :
      !can(regex("FullAccess|managed_policy_arns|:iam::aws:policy", file("${path.module}/${name}")))
    ])
    error_message = "A policy of AWS's is attached."
  }

  assert {
    condition = alltrue([
      for step, attachment in aws_iam_role_policy_attachment.read_the_stack : attachment.policy_arn == aws_iam_policy.read_the_stack.arn
    ]) && toset(keys(aws_iam_role_policy_attachment.read_the_stack)) == toset(["plan", "apply"])
    error_message = "Other steps than the plan and the apply read the stack."
  }

  assert {
    condition     = length(setintersection(toset(values(local.names.projects)), toset([for name in values(local.names.projects) : name if startswith(name, "gristmill-dev-")]))) == 0
    error_message = "The pipeline's own names are among those that the stack's roles may change."
  }
}

run "build" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.work["build"].policy).Statement : statement.Sid] == ["WriteOwnLog", "ReadArtifacts", "WriteArtifacts"]
    error_message = "The build has rights beside its log and its artifacts."
  }
}

run "plan" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for statement in concat(jsondecode(aws_iam_role_policy.work["plan"].policy).Statement, jsondecode(aws_iam_policy.read_the_stack.policy).Statement) : [
        for action in flatten([statement.Action]) : can(regex(":(Get|List|Describe|View)", action))
      ] if !contains(["WriteOwnLog", "WriteArtifacts", "LockTheState"], statement.Sid)
    ]))
    error_message = "The plan may change something."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.work["plan"].policy).Statement : statement.Resource if contains(flatten([statement.Action]), "s3:PutObject")
      ] == [
      "arn:aws:s3:::gristmill-dev-build-111122223333-eu-central-1/*",
      "arn:aws:s3:::gristmill-dev-state-111122223333-eu-central-1/gristmill/dev/terraform.tfstate.tflock",
    ]
    error_message = "The plan may write more than its artifacts and the state's lock."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.work["plan"].policy).Statement : statement.Resource if statement.Sid == "ReadTheState"
    ] == ["arn:aws:s3:::gristmill-dev-state-111122223333-eu-central-1/gristmill/dev/terraform.tfstate"]
    error_message = "The plan may read another state than the stack's."
  }

  # What Terraform asked for when it planned the stack (rehearse.py records it).
  assert {
    condition = length(jsondecode(file("${path.module}/tests/calls.json")).plan) > 40 && length(setsubtract(
      toset(jsondecode(file("${path.module}/tests/calls.json")).plan),
      toset(flatten([for statement in concat(jsondecode(aws_iam_role_policy.work["plan"].policy).Statement, jsondecode(aws_iam_policy.read_the_stack.policy).Statement) : statement.Action if statement.Effect == "Allow"])),
    )) == 0
    error_message = "Planning the stack needs a permission that the role does not have."
  }
}

run "apply" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement : statement.Sid => statement
      if contains(flatten([statement.Action]), "iam:CreateRole") || contains(flatten([statement.Action]), "iam:PutRolePolicy") && statement.Effect == "Allow"
      } == {
      MakeAndChangeBoundedRoles = {
        Sid       = "MakeAndChangeBoundedRoles"
        Effect    = "Allow"
        Action    = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource  = "arn:aws:iam::111122223333:role/gristmill-dev-*"
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::111122223333:policy/gristmill-pipeline-dev-boundary" } }
      }
    }
    error_message = "The apply may make or change roles without the boundary."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement : statement
      if contains(flatten([statement.Action]), "iam:PassRole") && statement.Effect == "Allow"
      ] == [{
        Sid       = "GiveRolesToFunctionsOnly"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "arn:aws:iam::111122223333:role/gristmill-dev-*"
        Condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } }
    }]
    error_message = "The apply may pass roles to another service than Lambda, or others than the stack's."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement :
      try(statement.Condition.ArnLike["lambda:FunctionArn"] == "arn:aws:lambda:eu-central-1:111122223333:function:gristmill-dev-*", false)
      if contains(["ChangeMappings", "CreateMappings"], statement.Sid)
    ]) && length([for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement : statement if contains(["ChangeMappings", "CreateMappings"], statement.Sid)]) == 2
    error_message = "The apply may feed queues to functions of others."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement :
      try(statement.Condition.StringEquals["aws:RequestTag/stack"] == "gristmill-dev", false)
      if contains(flatten([statement.Action]), "kms:CreateKey")
    ])
    error_message = "The apply may make keys without the stack's tag."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement : statement.Sid => statement.Resource if statement.Effect == "Deny"
      } == {
      NeverLoosenTheBoundary = ["arn:aws:iam::111122223333:policy/gristmill-pipeline-dev-boundary", "arn:aws:iam::111122223333:role/*"]
      NeverChangeThePipeline = "arn:aws:iam::111122223333:role/gristmill-pipeline-dev-*"
    }
    error_message = "Nothing forbids the apply to loosen the boundary, or to change the pipeline."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.work["apply"].policy).Statement : statement.Resource if contains(flatten([statement.Action]), "s3:PutObject") && !startswith(statement.Sid, "Lock")
      ] == [
      "arn:aws:s3:::gristmill-dev-state-111122223333-eu-central-1/gristmill/dev/terraform.tfstate",
      "arn:aws:s3:::gristmill-dev-111122223333-eu-central-1/contracts/*",
    ]
    error_message = "The apply may write other objects than the stack's state and its contracts."
  }

  assert {
    condition = length(jsondecode(file("${path.module}/tests/calls.json")).apply) > 40 && length(setsubtract(
      toset(jsondecode(file("${path.module}/tests/calls.json")).apply),
      toset(flatten([for statement in concat(jsondecode(aws_iam_role_policy.work["apply"].policy).Statement, jsondecode(aws_iam_policy.read_the_stack.policy).Statement) : statement.Action if statement.Effect == "Allow"])),
    )) == 0
    error_message = "Applying the stack needs a permission that the role does not have."
  }
}

run "smoke" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.work["smoke"].policy).Statement : "${statement.Sid}: ${join(" ", flatten([statement.Action]))} on ${join(" ", flatten([statement.Resource]))}"] == [
      "WriteOwnLog: logs:CreateLogStream logs:PutLogEvents on arn:aws:logs:eu-central-1:111122223333:log-group:/aws/codebuild/gristmill-pipeline-dev-smoke:log-stream:*",
      "ReadArtifacts: s3:GetObject s3:GetObjectVersion on arn:aws:s3:::gristmill-dev-build-111122223333-eu-central-1/*",
      "DropSamples: s3:PutObject on arn:aws:s3:::gristmill-dev-111122223333-eu-central-1/input/smoke_test/*",
      "FindTheirRecords: dynamodb:Query on arn:aws:dynamodb:eu-central-1:111122223333:table/gristmill-dev-analyses/index/by-dataset",
      "ReadTheEncryptedIndex: kms:Decrypt kms:DescribeKey on arn:aws:kms:eu-central-1:111122223333:key/*",
    ]
    error_message = "The smoke test may do something else than to drop a sample and to look up its record."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.work["smoke"].policy).Statement :
      try(statement.Condition.StringEquals["kms:ViaService"] == "dynamodb.eu-central-1.amazonaws.com", false) if statement.Sid == "ReadTheEncryptedIndex"
      ]) && alltrue([
      for statement in jsondecode(aws_iam_role_policy.work["smoke"].policy).Statement :
      try(statement.Condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] == ["smoke_test"], false) if statement.Sid == "FindTheirRecords"
    ])
    error_message = "The smoke test may read other datasets, or decrypt elsewhere than in the table."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.key["smoke"].policy).Statement[0].Action == ["kms:Decrypt"]
    error_message = "The smoke test writes no artifact, and needs no data key."
  }
}

run "pipeline" {
  command = plan

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.pipeline_key.policy).Statement :
      try(statement.Condition["ForAllValues:StringEquals"]["codeconnections:FullRepositoryId"] == "example-org/gristmill", false) if statement.Action == "codeconnections:UseConnection"
    ])
    error_message = "The pipeline may read other repositories of the connection."
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.pipeline_work.policy).Statement : statement.Resource if contains(flatten([statement.Action]), "codebuild:StartBuild")
    ])) == toset([for step in ["build", "plan", "apply", "smoke"] : "arn:aws:codebuild:eu-central-1:111122223333:project/gristmill-pipeline-dev-${step}"])
    error_message = "The pipeline may start other projects than its own."
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_iam_role_policy.pipeline_work.policy).Statement : statement.Sid], "AskForApproval")
    error_message = "The pipeline cannot ask for the approval that it waits for."
  }
}

run "pipeline_without_approval" {
  command = plan

  variables {
    approval = false
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.pipeline_work.policy, "sns:Publish")
    error_message = "A pipeline that asks nobody may publish."
  }
}

run "a_bucket_of_others" {
  command = plan

  variables {
    existing_bucket = "incoming-files-of-example"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.work["smoke"].policy).Statement : statement.Resource if statement.Sid == "DropSamples"
    ] == ["arn:aws:s3:::incoming-files-of-example/input/smoke_test/*"]
    error_message = "The smoke test does not reach the bucket that the stack uses."
  }

  # It has one policy, one lifecycle and one notification configuration, and they are its owner's.
  assert {
    condition     = !can(regex("s3:(CreateBucket|PutBucket|PutLifecycle|PutEncryption)", aws_iam_role_policy.work["apply"].policy))
    error_message = "The apply may change the settings of a bucket that is not the stack's."
  }
}

# IAM takes 10,240 characters of a role's own policies, and 6,144 of a managed one.
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)
run "the_longest_names" {
  command = plan

  variables {
    name        = "abcdefghijklmnopqr"
    environment = "abcdefghij"
    region      = "ap-southeast-2"
    identity    = "a-very-long-name-of-a-sub-domain.of-some-organisation.example.com"
  }

  assert {
    condition     = alltrue([for step, policy in aws_iam_role_policy.work : length(policy.policy) + 400 <= 10240])
    error_message = "The policies of a role are longer than IAM takes: ${join(", ", [for step, policy in aws_iam_role_policy.work : "${step} ${length(policy.policy)}"])}."
  }

  assert {
    condition     = length(aws_iam_policy.boundary.policy) <= 6144
    error_message = "The boundary is longer than IAM takes: ${length(aws_iam_policy.boundary.policy)} characters."
  }

  assert {
    condition     = length(aws_iam_policy.read_the_stack.policy) <= 6144
    error_message = "What is read has more characters than IAM takes: ${length(aws_iam_policy.read_the_stack.policy)}."
  }
}
