variable "name" {
  description = "First part of every name, the same as in the stack (infrastructure/)."
  type        = string
  default     = "gristmill"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: 3 to 20 lower-case letters, digits and hyphens, beginning with a letter, are accepted."
  }

  validation {
    # The roles of a stack's pipeline may touch <name>-<environment>-*. They must not reach the pipeline's own resources,
    # which are called <name>-pipeline-<environment>-*, nor those of another one.
    condition     = !endswith(var.name, "-pipeline")
    error_message = "name: one that ends with -pipeline is refused. Another stack's pipeline would be among the resources that this one may change."
  }

  validation {
    # "-state-", the account's 12 digits and a hyphen. S3 takes 63 characters.
    condition     = length("${var.name}-${var.environment}-state-") + 12 + 1 + length(var.region) <= 63
    error_message = "name: too long for the bucket <name>-<environment>-state-<account>-<region>, which may have 63 characters."
  }
}

variable "environment" {
  description = "Second part of every name, the same as in the stack; infrastructure/environments/<environment>.tfvars is what is deployed."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment: 2 to 10 lower-case letters and digits, beginning with a letter, are accepted."
  }

  validation {
    condition     = var.environment != "pipeline"
    error_message = "environment: \"pipeline\" is refused. Its stack would be called as pipelines are, and its roles could change them."
  }
}

variable "region" {
  description = "Region of the pipeline and of the stack that it deploys."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2,3}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region's code such as eu-central-1 is accepted."
  }
}

variable "repository" {
  description = "Repository that is deployed, as <owner>/<name>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$", var.repository))
    error_message = "repository: <owner>/<name> is accepted, such as example-org/gristmill, without https:// and without .git behind it."
  }

  validation {
    condition     = !endswith(var.repository, ".git")
    error_message = "repository: <owner>/<name> is accepted, without .git behind it."
  }
}

variable "branch" {
  description = "Branch that is deployed whenever it moves."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$", var.branch))
    error_message = "branch: the name of one branch, such as main, is accepted, without wildcards."
  }
}

variable "provider_type" {
  description = "Where the repository is: GitHub, GitLab or Bitbucket."
  type        = string
  default     = "GitHub"

  validation {
    condition     = contains(["GitHub", "GitLab", "Bitbucket"], var.provider_type)
    error_message = "provider_type: GitHub, GitLab or Bitbucket is accepted."
  }
}

variable "approval" {
  description = "Whether a person must approve each plan before it is applied."
  type        = bool
  default     = true
}

variable "alert_emails" {
  description = "Addresses that get failures of the pipeline, and requests for approval. Each must confirm the mail that SNS sends it first."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@<>,;\\s]+@[^@<>,;\\s]+\\.[a-z]{2,}$", address))])
    error_message = "alert_emails: plain addresses such as on-call@example.com are accepted."
  }

  validation {
    condition     = !var.approval || length(var.alert_emails) > 0
    error_message = "alert_emails: with approval = true somebody must be asked; name at least one address."
  }
}

variable "identity" {
  description = "SES identity of the stack's sender: the same domain or address as in infrastructure/. The stack's functions may send as no other."
  type        = string

  validation {
    condition     = can(regex("^([^@<>,;/*\\s]+@)?[a-z0-9-]+(\\.[a-z0-9-]+)*\\.[a-z]{2,}$", var.identity))
    error_message = "identity: a domain such as example.com, or an address such as reports@example.com, is accepted."
  }
}

variable "sandbox_recipients" {
  description = "Identities of recipients that the stack may send to while SES keeps the account in its sandbox, as in infrastructure/."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for identity in var.sandbox_recipients : can(regex("^([^@<>,;/*\\s]+@)?[a-z0-9-]+(\\.[a-z0-9-]+)*\\.[a-z]{2,}$", identity))])
    error_message = "sandbox_recipients: domains and addresses are accepted."
  }
}

variable "existing_bucket" {
  description = "Bucket that the stack uses instead of one of its own, as in infrastructure/; null for its own."
  type        = string
  default     = null

  validation {
    condition     = var.existing_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.existing_bucket))
    error_message = "existing_bucket: the name of a bucket, 3 to 63 lower-case letters, digits, dots and hyphens, or null."
  }
}

variable "access_log_bucket" {
  description = "Bucket that receives the access logs of the pipeline's two buckets; null for none. One bucket of logs usually serves a whole account, so this root makes none."
  type        = string
  default     = null
}

variable "image" {
  description = "CodeBuild image of all steps. It must be one for arm64: the functions are built for what they run on."
  type        = string
  # (https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html)
  default = "aws/codebuild/amazonlinux-aarch64-standard:3.0"

  validation {
    condition     = can(regex("aarch64|arm64", var.image))
    error_message = "image: one for arm64 is accepted, such as aws/codebuild/amazonlinux-aarch64-standard:3.0."
  }
}

variable "build_compute_type" {
  description = "Size of the machine that builds and tests. The other steps take the smallest."
  type        = string
  # 8 processors and 16 GB: the tests build the whole workspace several times. A medium one takes about twice as long.
  default = "BUILD_GENERAL1_LARGE"

  validation {
    condition     = contains(["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE"], var.build_compute_type)
    error_message = "build_compute_type: BUILD_GENERAL1_SMALL, _MEDIUM, _LARGE or _XLARGE is accepted."
  }
}

variable "log_retention_days" {
  description = "How long the logs of the steps are kept, in days: one of the numbers that CloudWatch Logs takes, at least 365."
  type        = number
  default     = 365

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 is accepted."
  }
}

variable "artifact_days" {
  description = "How long sources, packages and plans are kept, in days."
  type        = number
  default     = 30

  validation {
    # An approval can wait for seven days, and the apply behind it needs what was built before.
    # (https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html)
    condition     = var.artifact_days >= 14 && floor(var.artifact_days) == var.artifact_days
    error_message = "artifact_days: a whole number of at least 14 is accepted: an approval may take 7 days, and the apply needs the artifacts after it."
  }
}

variable "state_noncurrent_days" {
  description = "How long earlier versions of a state are kept, in days. The newest twenty are kept anyway."
  type        = number
  default     = 365

  validation {
    condition     = var.state_noncurrent_days >= 30 && floor(var.state_noncurrent_days) == var.state_noncurrent_days
    error_message = "state_noncurrent_days: a whole number of at least 30 is accepted."
  }
}
