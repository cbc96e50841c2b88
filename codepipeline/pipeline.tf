# Source -> Build -> Deploy (Plan -> Approve -> Apply) -> Smoke.
#
# Plan, approval and apply are one stage, since CodePipeline lets one run at a time into a stage: nothing is applied between
# a plan and its apply, and what waits for approval is not out of date when it is approved (docs/decisions/0026).

resource "aws_codeconnections_connection" "this" {
  name          = local.names.connection
  provider_type = var.provider_type
}

resource "aws_codepipeline" "this" {
  name           = local.names.pipeline
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = "SUPERSEDED"

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.build.bucket

    encryption_key {
      type = "KMS"
      id   = aws_kms_key.this.arn
    }
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]

      configuration = {
        ConnectionArn    = aws_codeconnections_connection.this.arn
        FullRepositoryId = var.repository
        BranchName       = var.branch
        DetectChanges    = "true"
        # Files, without the history: no step looks at it.
        OutputArtifactFormat = "CODE_ZIP"
      }
    }
  }

  stage {
    name = "Build"

    action {
      name             = "Build"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["source"]
      output_artifacts = ["packages"]

      configuration = {
        ProjectName = aws_codebuild_project.step["build"].name
      }
    }
  }

  stage {
    name = "Deploy"

    action {
      name             = "Plan"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      run_order        = 1
      namespace        = "plan"
      input_artifacts  = ["source", "packages"]
      output_artifacts = ["plan"]

      configuration = {
        ProjectName   = aws_codebuild_project.step["plan"].name
        PrimarySource = "source"
      }
    }

    dynamic "action" {
      for_each = var.approval ? ["Approve"] : []

      content {
        name      = action.value
        category  = "Approval"
        owner     = "AWS"
        provider  = "Manual"
        version   = "1"
        run_order = 2

        configuration = {
          NotificationArn = aws_sns_topic.alerts.arn
          CustomData      = "${local.prefix}: #{plan.GRISTMILL_PLAN_SUMMARY} The whole plan is at the end of the log of the step Plan."
        }
      }
    }

    action {
      name      = "Apply"
      category  = "Build"
      owner     = "AWS"
      provider  = "CodeBuild"
      version   = "1"
      run_order = 3
      # The plan, as it was approved, and the packages that it speaks of.
      input_artifacts = ["source", "packages", "plan"]

      configuration = {
        ProjectName   = aws_codebuild_project.step["apply"].name
        PrimarySource = "source"
      }
    }
  }

  stage {
    name = "Smoke"

    action {
      name            = "Smoke"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source"]

      configuration = {
        ProjectName = aws_codebuild_project.step["smoke"].name
      }
    }
  }

  # A pipeline runs as soon as it is made.
  depends_on = [
    aws_iam_role_policy.pipeline_work,
    aws_iam_role_policy.pipeline_key,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
