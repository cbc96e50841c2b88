# The order of the steps, and what each gets and gives.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "with_approval" {
  command = plan

  assert {
    condition     = aws_codepipeline.this.pipeline_type == "V2" && aws_codepipeline.this.execution_mode == "SUPERSEDED"
    error_message = "The pipeline is not of type V2, or lets runs overtake each other within a stage."
  }

  assert {
    condition     = [for stage in aws_codepipeline.this.stage : stage.name] == ["Source", "Build", "Deploy", "Smoke"]
    error_message = "The stages are others, or in another order."
  }

  assert {
    condition = [for action in aws_codepipeline.this.stage[2].action : "${action.run_order} ${action.name}"] == [
      "1 Plan", "2 Approve", "3 Apply",
    ]
    error_message = "Plan, approval and apply are not one stage in this order."
  }

  # One run at a time is in a stage; that holds for plan, approval and apply only while they are one.
  assert {
    condition     = length([for stage in aws_codepipeline.this.stage : stage if length([for action in stage.action : action if contains(["Plan", "Apply"], action.name)]) > 0]) == 1
    error_message = "Another run could change the stack between a plan and its apply."
  }

  assert {
    condition = (
      aws_codepipeline.this.stage[2].action[0].output_artifacts == tolist(["plan"])
      && contains(aws_codepipeline.this.stage[2].action[2].input_artifacts, "plan")
      && contains(aws_codepipeline.this.stage[2].action[0].input_artifacts, "packages")
      && contains(aws_codepipeline.this.stage[2].action[2].input_artifacts, "packages")
      && aws_codepipeline.this.stage[1].action[0].output_artifacts == tolist(["packages"])
    )
    error_message = "The apply does not get the plan that was made, or not the packages that were built."
  }

  assert {
    condition = (
      strcontains(file("${path.module}/buildspecs/plan.yml"), "base-directory: target/plan")
      && strcontains(file("${path.module}/buildspecs/plan.yml"), "GRISTMILL_PACKAGES=\"$CODEBUILD_SRC_DIR_packages\" bash scripts/deploy/plan.sh")
      && strcontains(file("${path.module}/buildspecs/apply.yml"), "GRISTMILL_PLAN=\"$CODEBUILD_SRC_DIR_plan\" bash scripts/deploy/apply.sh")
      && strcontains(file("${path.module}/buildspecs/smoke.yml"), "bash scripts/deploy/smoke.sh")
    )
    error_message = "A step does not run the script that it is named for, with what the step before it made."
  }

  assert {
    condition     = alltrue([for buildspec in values(local.buildspecs) : fileexists("${path.module}/../${buildspec}")])
    error_message = "A buildspec is not where CodeBuild looks for it."
  }

  assert {
    condition = (
      aws_codepipeline.this.stage[2].action[1].category == "Approval"
      && aws_codepipeline.this.stage[2].action[1].configuration.NotificationArn == aws_sns_topic.alerts.arn
      && strcontains(aws_codepipeline.this.stage[2].action[1].configuration.CustomData, "#{plan.GRISTMILL_PLAN_SUMMARY}")
      && aws_codepipeline.this.stage[2].action[0].namespace == "plan"
      && strcontains(file("${path.module}/buildspecs/plan.yml"), "- GRISTMILL_PLAN_SUMMARY")
    )
    error_message = "Whoever approves is not asked, or not told what the plan comes to."
  }

  assert {
    condition = (
      aws_codepipeline.this.stage[0].action[0].configuration.FullRepositoryId == "example-org/gristmill"
      && aws_codepipeline.this.stage[0].action[0].configuration.BranchName == "dev"
      && aws_codepipeline.this.stage[0].action[0].configuration.DetectChanges == "true"
      && aws_codepipeline.this.stage[0].action[0].configuration.OutputArtifactFormat == "CODE_ZIP"
    )
    error_message = "The pipeline does not follow the branch, or takes more than its files."
  }

  assert {
    condition     = aws_codepipeline.this.artifact_store[*].encryption_key[0].id == tolist([aws_kms_key.this.arn])
    error_message = "Artifacts are not encrypted with the pipeline's key."
  }
}

run "without_approval" {
  command = plan

  variables {
    approval = false
  }

  assert {
    condition     = [for action in aws_codepipeline.this.stage[2].action : action.name] == ["Plan", "Apply"]
    error_message = "Somebody is asked who should not be, or a step is missing."
  }
}

run "steps" {
  command = plan

  assert {
    condition = alltrue([
      for step, project in aws_codebuild_project.step :
      project.environment[0].privileged_mode == false && project.environment[0].type == "ARM_CONTAINER" && strcontains(project.environment[0].image, "aarch64")
    ]) && length(aws_codebuild_project.step) == 4
    error_message = "A step is privileged, or does not run on arm64."
  }

  assert {
    condition = alltrue([
      for step, project in aws_codebuild_project.step :
      project.logs_config[0].cloudwatch_logs[0].group_name == "/aws/codebuild/gristmill-pipeline-dev-${step}"
      && aws_cloudwatch_log_group.step[step].name == "/aws/codebuild/gristmill-pipeline-dev-${step}"
      && aws_cloudwatch_log_group.step[step].retention_in_days == 365
      && aws_cloudwatch_log_group.step[step].kms_key_id == aws_kms_key.this.arn
    ])
    error_message = "A step has no log group of its own with a retention and the pipeline's key."
  }

  assert {
    condition = (
      { for step, role in aws_iam_role.step : step => role.name } == { for step in ["build", "plan", "apply", "smoke"] : step => "gristmill-pipeline-dev-${step}" }
      && alltrue([for step, policy in aws_iam_role_policy.work : policy.name == "work"])
    )
    error_message = "The steps do not have a role each."
  }

  assert {
    condition     = alltrue([for step, project in aws_codebuild_project.step : project.concurrent_build_limit == 1 && project.encryption_key == aws_kms_key.this.arn && project.source[0].type == "CODEPIPELINE" && project.artifacts[0].type == "CODEPIPELINE"])
    error_message = "A step may run beside itself, takes another source, or leaves artifacts without the pipeline's key."
  }

  assert {
    condition = alltrue([
      for step in ["plan", "apply"] : jsonencode({ for setting in aws_codebuild_project.step[step].environment[0].environment_variable : setting.name => setting.value }) == jsonencode({
        GRISTMILL_NAME                 = "gristmill"
        GRISTMILL_ENVIRONMENT          = "dev"
        GRISTMILL_REGION               = "eu-central-1"
        GRISTMILL_STATE_BUCKET         = "gristmill-dev-state-111122223333-eu-central-1"
        GRISTMILL_STATE_KEY            = "gristmill/dev/terraform.tfstate"
        GRISTMILL_PERMISSIONS_BOUNDARY = "arn:aws:iam::111122223333:policy/gristmill-pipeline-dev-boundary"
      })
    ])
    error_message = "Plan and apply are told another stack, another state or another boundary."
  }

  assert {
    condition     = strcontains(local.backends.pipeline, "use_lockfile = true") && strcontains(local.backends.stack, "use_lockfile = true") && strcontains(file("${path.module}/../scripts/deploy/stack.sh"), "-backend-config=use_lockfile=true")
    error_message = "A state is not locked."
  }
}
