# What CodeBuild runs. Each step is one buildspec of the repository, which calls the project's own scripts.

locals {
  buildspecs = {
    build = "buildspec.yml"
    plan  = "codepipeline/buildspecs/plan.yml"
    apply = "codepipeline/buildspecs/apply.yml"
    smoke = "codepipeline/buildspecs/smoke.yml"
  }

  # The longest that a step may take, in minutes. A step that hangs costs until then.
  minutes = {
    build = 120
    plan  = 20
    apply = 60
    smoke = 20
  }

  # What Terraform is told, beside infrastructure/environments/<environment>.tfvars.
  deploy_settings = {
    GRISTMILL_NAME                 = var.name
    GRISTMILL_ENVIRONMENT          = var.environment
    GRISTMILL_REGION               = var.region
    GRISTMILL_STATE_BUCKET         = local.names.state_bucket
    GRISTMILL_STATE_KEY            = local.state_keys.stack
    GRISTMILL_PERMISSIONS_BOUNDARY = local.arns.boundary
  }

  settings = {
    build = {}
    plan  = local.deploy_settings
    apply = local.deploy_settings
    smoke = {
      GRISTMILL_REGION = var.region
      GRISTMILL_BUCKET = trimprefix(local.stack.bucket, "arn:${local.partition}:s3:::")
      GRISTMILL_TABLE  = "${local.prefix}-analyses"
    }
  }
}

resource "aws_cloudwatch_log_group" "step" {
  for_each = local.names.log_groups

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_codebuild_project" "step" {
  for_each = local.names.projects

  name         = each.value
  description  = "Step ${each.key} of ${local.names.pipeline}"
  service_role = aws_iam_role.step[each.key].arn

  build_timeout = local.minutes[each.key]
  # Two of a kind at a time would be two runs at the same stack.
  concurrent_build_limit = 1
  encryption_key         = aws_kms_key.this.arn

  source {
    type      = "CODEPIPELINE"
    buildspec = local.buildspecs[each.key]
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    # Native arm64: what is built is also tried.
    type                        = "ARM_CONTAINER"
    image                       = var.image
    image_pull_credentials_type = "CODEBUILD"
    compute_type                = each.key == "build" ? var.build_compute_type : "BUILD_GENERAL1_SMALL"
    # No step builds container images.
    privileged_mode = false

    dynamic "environment_variable" {
      for_each = local.settings[each.key]

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.step[each.key].name
    }
  }

  # A step that started before its permissions would fail, and its log would be one that keeps everything for ever.
  depends_on = [aws_cloudwatch_log_group.step, aws_iam_role_policy.work, aws_iam_role_policy.key, aws_iam_role_policy_attachment.read_the_stack]
}
