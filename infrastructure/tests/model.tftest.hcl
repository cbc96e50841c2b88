# The model: none, one of the stack's region (tests/permissions.tftest.hcl), or an inference profile.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

run "without_a_model_nothing_of_bedrock_is_allowed" {
  command = plan

  variables {
    model = { id = "off" }
  }

  assert {
    condition     = !strcontains(module.analyzer.policies.work, "bedrock") && length(jsondecode(module.analyzer.policies.work).Statement) == 5
    error_message = "The analyzer may ask a model although it is off, or lost another permission with it."
  }

  assert {
    condition     = module.analyzer.environment.GRISTMILL_MODEL_ID == "off"
    error_message = "The analyzer is not told that the model is off."
  }
}

run "an_inference_profile_is_allowed_with_its_models" {
  command = plan

  variables {
    model = {
      id              = "eu.amazon.nova-lite-v1:0"
      profile_regions = ["eu-central-1", "eu-west-3"]
    }
  }

  assert {
    condition = [for statement in jsondecode(module.analyzer.policies.work).Statement : statement if startswith(statement.Action[0], "bedrock:")] == [{
      Sid    = "AskOneModel"
      Effect = "Allow"
      Action = ["bedrock:InvokeModel"]
      Resource = [
        "arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-lite-v1:0",
        "arn:aws:bedrock:eu-west-3::foundation-model/amazon.nova-lite-v1:0",
      ]
    }]
    error_message = "The analyzer may not invoke exactly the profile and its models."
  }

  assert {
    condition     = module.analyzer.environment.GRISTMILL_MODEL_ID == "eu.amazon.nova-lite-v1:0"
    error_message = "The analyzer is not told the profile."
  }
}

run "other_arns_are_allowed_as_they_are_given" {
  command = plan

  variables {
    model = {
      id   = "arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abcdefgh1234"
      arns = ["arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abcdefgh1234"]
    }
  }

  assert {
    condition = [for statement in jsondecode(module.analyzer.policies.work).Statement : statement.Resource if startswith(statement.Action[0], "bedrock:")] == [
      ["arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abcdefgh1234"],
    ]
    error_message = "The analyzer may not invoke exactly what is named."
  }
}

run "a_region_that_is_none_is_refused" {
  command = plan

  variables {
    model = { id = "eu.amazon.nova-lite-v1:0", profile_regions = ["eu-west-3", "everywhere"] }
  }

  expect_failures = [var.model]
}

run "a_model_that_is_no_profile_has_no_regions" {
  command = plan

  variables {
    model = { id = "amazon.nova-lite-v1:0", profile_regions = ["eu-west-3"] }
  }

  expect_failures = [var.model]
}
