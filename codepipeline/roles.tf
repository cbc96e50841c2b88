# A role for each step, and one for the pipeline itself. What each step may do beside its own work is in one file a step:
# role_build.tf, role_plan.tf, role_apply.tf, role_smoke.tf.

locals {
  # Each step's own work.
  work = {
    build = []
    plan  = concat(local.read_the_state, local.lock_the_state)
    apply = concat(local.read_the_state, local.lock_the_state, local.write_the_state, local.change_the_stack, local.never)
    smoke = local.drop_and_look
  }

  # Whose result the next steps need.
  writes_artifacts = ["build", "plan"]

  # What CodeBuild does in the name of the role, whatever the step.
  # (https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html)
  every_step = {
    for step in local.steps : step => concat(
      [
        {
          # Not to create the log group: it is there, with its retention.
          Sid      = "WriteOwnLog"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "arn:${local.partition}:logs:${local.at}:log-group:${local.names.log_groups[step]}:log-stream:*"
        },
        {
          Sid      = "ReadArtifacts"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = "${local.arns.build_bucket}/*"
        },
      ],
      [for needed in [step] : {
        Sid      = "WriteArtifacts"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${local.arns.build_bucket}/*"
      } if contains(local.writes_artifacts, needed)],
    )
  }
}

resource "aws_iam_role" "step" {
  for_each = local.names.projects

  name        = each.value
  description = "What the step ${each.key} of ${local.names.pipeline} may do"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OwnProjectRuns"
        Effect    = "Allow"
        Principal = { Service = "codebuild.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account }
          ArnEquals    = { "aws:SourceArn" = local.arns.projects[each.key] }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "work" {
  for_each = local.names.projects

  name = "work"
  role = aws_iam_role.step[each.key].id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.every_step[each.key], local.work[each.key])
  })
}

# What the plan and the apply both read. A policy of its own because IAM takes 10,240 characters of a role's own ones.
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)
resource "aws_iam_policy" "read_the_stack" {
  name        = "${local.own}-read-the-stack"
  description = "What Terraform reads of ${local.prefix} at each plan"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.read_the_stack
  })
}

resource "aws_iam_role_policy_attachment" "read_the_stack" {
  for_each = toset(["plan", "apply"])

  role       = aws_iam_role.step[each.key].name
  policy_arn = aws_iam_policy.read_the_stack.arn
}

# By itself, because the key's ARN is not known before the first apply: the first plan still shows all of the above.
resource "aws_iam_role_policy" "key" {
  for_each = local.names.projects

  name = "key"
  role = aws_iam_role.step[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # What S3 encrypts and decrypts in the role's name: artifacts, and the state where the role may read it.
        Sid       = "UseTheKeyThroughTheBuckets"
        Effect    = "Allow"
        Action    = concat(["kms:Decrypt"], each.key == "smoke" ? [] : ["kms:GenerateDataKey"])
        Resource  = aws_kms_key.this.arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_iam_role" "pipeline" {
  name        = local.names.pipeline_role
  description = "What ${local.names.pipeline} does between its steps"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OwnPipelineRuns"
        Effect    = "Allow"
        Principal = { Service = "codepipeline.amazonaws.com" }
        Action    = "sts:AssumeRole"
        # AWS's page of this role asks for no condition, and does not say that CodePipeline always names the pipeline. Where it
        # does, it must be this one.
        # (https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-service-role-cli.html)
        Condition = {
          StringEqualsIfExists = { "aws:SourceAccount" = local.account }
          ArnEqualsIfExists    = { "aws:SourceArn" = local.arns.pipeline }
        }
      },
    ]
  })
}

# (https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html)
resource "aws_iam_role_policy" "pipeline_work" {
  name = "work"
  role = aws_iam_role.pipeline.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "HandArtifactsOver"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
          Resource = "${local.arns.build_bucket}/*"
        },
        {
          Sid      = "LookAtTheArtifactBucket"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:GetBucketVersioning"]
          Resource = local.arns.build_bucket
        },
        {
          Sid      = "StartOwnSteps"
          Effect   = "Allow"
          Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
          Resource = values(local.arns.projects)
        },
      ],
      [for asked in [var.approval] : {
        Sid      = "AskForApproval"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = local.arns.alerts
      } if asked],
    )
  })
}

resource "aws_iam_role_policy" "pipeline_key" {
  name = "key"
  role = aws_iam_role.pipeline.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "UseTheKeyThroughBucketAndTopic"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = aws_kms_key.this.arn
        Condition = { StringEquals = { "kms:ViaService" = [for service in ["s3", "sns"] : "${service}.${var.region}.amazonaws.com"] } }
      },
      {
        # AWS gives the connection's ARN its last part. The condition as in
        # https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html#permissions-reference-connections-use
        Sid       = "ReadOneRepository"
        Effect    = "Allow"
        Action    = "codeconnections:UseConnection"
        Resource  = aws_codeconnections_connection.this.arn
        Condition = { "ForAllValues:StringEquals" = { "codeconnections:FullRepositoryId" = var.repository } }
      },
    ]
  })
}
