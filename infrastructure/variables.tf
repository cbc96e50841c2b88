variable "name" {
  description = "First part of every name. Two stacks in one account and region differ in it or in the environment."
  type        = string
  default     = "gristmill"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: 3 to 20 lower-case letters, digits and hyphens, beginning with a letter, are accepted: it becomes part of the bucket's name."
  }
}

variable "environment" {
  description = "Second part of every name: dev, uat, prod, or whatever the team says."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment: 2 to 10 lower-case letters and digits, beginning with a letter, are accepted."
  }
}

variable "region" {
  description = "Region of the stack. Bedrock must offer the model there, or in the regions of its inference profile."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region's code such as eu-central-1 is accepted."
  }
}

variable "packages_dir" {
  description = "Folder with <function>/bootstrap.zip for each function, as scripts/package.sh leaves it."
  type        = string
  default     = "../target/lambda"
}

variable "contracts_dir" {
  description = "Folder whose *.json (contracts) and *.csv (reference files) are put under contracts/ in the bucket."
  type        = string
  default     = "../contracts"

  validation {
    # From a folder that is not there, every contract in the bucket would be taken away.
    condition     = length(fileset(var.contracts_dir, "*.json")) > 0
    error_message = "contracts_dir: a folder with at least one contract (*.json) is accepted."
  }
}

variable "existing_bucket" {
  description = "Name of a bucket to use instead of a new one. Its owner keeps its settings: README.md says what it must have."
  type        = string
  default     = null

  validation {
    condition     = var.existing_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.existing_bucket))
    error_message = "existing_bucket: the name of a bucket, 3 to 63 lower-case letters, digits, dots and hyphens, or null."
  }
}

variable "access_log_bucket" {
  description = "Bucket that receives the access logs of the data bucket; null for none. One bucket of logs usually serves a whole account, so the stack makes none."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_log_bucket))
    error_message = "access_log_bucket: the name of a bucket, 3 to 63 lower-case letters, digits, dots and hyphens, or null."
  }
}

variable "output_administrators" {
  description = "ARNs of the roles that may delete or replace outputs and the notes in ledger/ by hand, for instance when a person asks to be forgotten. Nobody, unless named."
  type        = list(string)
  default     = []

  validation {
    # ArnNotEquals knows wildcards too, and one would let everybody in.
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)
    condition     = alltrue([for arn in var.output_administrators : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "output_administrators: ARNs of IAM roles are accepted, such as arn:aws:iam::111122223333:role/data-protection, without wildcards."
  }
}

variable "sender" {
  description = "Address that reports come from."
  type        = string

  validation {
    condition     = can(regex("^[^@<>,;\\s]+@[^@<>,;\\s]+\\.[a-z]{2,}$", var.sender))
    error_message = "sender: one plain address such as reports@example.com is accepted; its display name goes into sender_name."
  }
}

variable "sender_name" {
  description = "Name shown beside the sender's address."
  type        = string
  default     = "Gristmill"

  validation {
    condition     = can(regex("^[A-Za-z0-9 ._-]{0,64}$", var.sender_name))
    error_message = "sender_name: up to 64 letters, digits, spaces, dots, hyphens and underscores are accepted."
  }
}

variable "identity" {
  description = "SES identity that the sender belongs to: a domain such as example.com, or the sender's address itself."
  type        = string

  validation {
    # A domain stands for its subdomains too.
    condition = (
      can(regex("^([^@]+@)?[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.identity)) &&
      (var.identity == var.sender || endswith(var.sender, "@${var.identity}") || endswith(var.sender, ".${var.identity}"))
    )
    error_message = "identity: the domain of the sender's address, one above it, or that address, is accepted. SES refuses a sender of another identity."
  }
}

variable "create_identity" {
  description = "Whether the stack makes the SES identity. An identity exists once per account and region: false when it is there already."
  type        = bool
  default     = true
}

variable "recipients" {
  description = "Addresses that get the reports of files whose contract names nobody, or that have no contract."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.recipients : can(regex("^[^@<>,;\\s]+@[^@<>,;\\s]+\\.[a-z]{2,}$", address))])
    error_message = "recipients: plain addresses such as data-team@example.com are accepted."
  }
}

variable "sandbox_recipients" {
  description = "Verified SES identities (addresses or domains) of recipients that are not below the sender's identity. In its sandbox SES asks for a permission for these too; empty once the account is out of it."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for identity in var.sandbox_recipients : can(regex("^([^@<>,;\\s*]+@)?[A-Za-z0-9.-]+\\.[a-z]{2,}$", identity))])
    error_message = "sandbox_recipients: addresses such as data-team@example.com and domains such as example.com are accepted."
  }
}

variable "alert_emails" {
  description = "Addresses that get the alarms. Each must confirm the mail that SNS sends it first."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@<>,;\\s]+@[^@<>,;\\s]+\\.[a-z]{2,}$", address))])
    error_message = "alert_emails: plain addresses such as on-call@example.com are accepted."
  }
}

variable "unsettled_mail" {
  description = <<-EOT
    What to do about a mail of which nobody knows whether it went out: its send broke off, and SES said nothing about it for
    15 minutes. This is rare.
      resend  The report is sent again. It arrives in any case; now and then somebody gets it twice.
      park    It is not sent again. Nobody gets a report twice; a person must look at it, or somebody may not get it at all.
  EOT
  type        = string
  default     = "resend"

  validation {
    condition     = contains(["resend", "park"], var.unsettled_mail)
    error_message = "unsettled_mail: resend (send again after 15 minutes) or park (leave it to a person) is accepted."
  }
}

variable "model" {
  description = <<-EOT
    Bedrock model that puts facts into words.
      id               A model, an inference profile, or "off".
      profile_regions  Regions that the inference profile routes to: the analyzer may invoke the profile, and its model in each of them.
      arns             The ARNs that the analyzer may invoke, where neither the model in the stack's region nor a profile of AWS's is meant.
  EOT
  type = object({
    id              = optional(string, "amazon.nova-lite-v1:0")
    profile_regions = optional(list(string), [])
    arns            = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = alltrue([for arn in var.model.arns : can(regex("^arn:[a-z-]+:bedrock:[a-z0-9-]+:[0-9]*:(foundation-model|inference-profile|application-inference-profile)/[^*]+$", arn))])
    error_message = "model.arns: ARNs of foundation models and inference profiles are accepted, without wildcards."
  }

  validation {
    condition     = alltrue([for region in var.model.profile_regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "model.profile_regions: codes of regions such as eu-west-3 are accepted."
  }

  validation {
    # A profile's id begins with a group of regions ("eu.amazon.nova-lite-v1:0"), or it is an ARN.
    condition     = length(var.model.profile_regions) == 0 || can(regex("^[a-z-]+\\.[a-z0-9-]+\\.[a-z0-9-]+-[a-z0-9.-]+(:[0-9]+)?$", var.model.id)) && length(var.model.arns) == 0
    error_message = "model.profile_regions: only an inference profile such as eu.amazon.nova-lite-v1:0 has regions, and it needs no ARNs then."
  }

  validation {
    condition     = length(var.model.arns) > 0 || length(var.model.profile_regions) > 0 || var.model.id == "off" || can(regex("^[a-z0-9-]+\\.[a-z0-9-]+-[a-z0-9.-]+(:[0-9]+)?$", var.model.id)) && !can(regex("^(us|eu|apac|us-gov|global|jp|au|ca)\\.", var.model.id))
    error_message = "model: an inference profile needs profile_regions, the regions that it routes to, or arns."
  }
}

variable "architecture" {
  description = "Instruction set of the functions: arm64 (cheaper), or x86_64 for packages built on and for x86-64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: arm64 or x86_64 is accepted."
  }
}

variable "stages" {
  description = <<-EOT
    Sizes of the three stages.
      memory_mb            Lambda's memory; its share of a processor grows with it (1,769 MB are one).
      timeout_seconds      Longest invocation. A message stays hidden for six times as long.
      maximum_concurrency  Most invocations that the queue starts at the same time, 2 to 1000.
      reserved_concurrency Invocations kept for the function; -1 for none, which new accounts with a limit of 10 need.
  EOT
  type = object({
    processor = optional(object({
      # The largest file that is taken, 5 GiB, at the 75 MB/s that a function's network gives and with a second pass for
      # its keys, comes near 300 s; it must not end in the dead-letter queue for want of time.
      memory_mb            = optional(number, 512)
      timeout_seconds      = optional(number, 600)
      maximum_concurrency  = optional(number, 10)
      reserved_concurrency = optional(number, 10)
    }), {})
    analyzer = optional(object({
      memory_mb       = optional(number, 512)
      timeout_seconds = optional(number, 600)
      # What the model's quota allows is less than what Lambda does.
      maximum_concurrency  = optional(number, 2)
      reserved_concurrency = optional(number, 2)
    }), {})
    notifier = optional(object({
      memory_mb       = optional(number, 256)
      timeout_seconds = optional(number, 60)
      # SES's sandbox takes one mail a second.
      maximum_concurrency  = optional(number, 2)
      reserved_concurrency = optional(number, 2)
    }), {})
  })
  default = {}
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the functions' roles. The delivery pipeline may only make roles that have its own."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: the ARN of a managed policy, or null."
  }
}

variable "code_signing_config_arn" {
  description = "Code signing configuration of an account that signs what it runs: Lambda then refuses a package that is not signed. Null for none. The packages are not signed by the stack's own pipeline, which hands them over by their checksums."
  type        = string
  default     = null

  validation {
    # (https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html)
    condition     = var.code_signing_config_arn == null || can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-[a-z0-9]{17}$", var.code_signing_config_arn))
    error_message = "code_signing_config_arn: the ARN of a code signing configuration of Lambda, or null."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept, in days: one of the numbers that CloudWatch Logs takes, at least 365."
  type        = number
  default     = 365

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 is accepted."
  }
}

variable "retention_days" {
  description = "How long files, outputs and analyses are kept, in days. A record lives as long as the objects that it names."
  type        = number
  default     = 365

  validation {
    # The functions refuse less than 45: what may still come back must find its record (a day in EventBridge, four in a
    # queue, fourteen in its dead-letter queue, a replay). The sweep needs 15: it looks back over 14 days, and would take a file
    # whose note is gone for one that was overlooked.
    condition     = var.retention_days >= 45 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days: a whole number from 45 to 3650 is accepted."
  }
}

variable "noncurrent_days" {
  description = "How long a replaced or deleted version of a file is kept, in days."
  type        = number
  default     = 30

  validation {
    # A run reads the version that its event names, up to 18 days after the drop. The sweep looks back over 14 of them.
    condition     = var.noncurrent_days >= 19 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days: a whole number of at least 19 is accepted: an event may wait 4 days in a queue and 14 in its dead-letter queue, and still reads its own version."
  }
}

variable "archive_days" {
  description = "How long the bus's archive keeps events for a replay, in days."
  type        = number
  default     = 30

  validation {
    condition     = var.archive_days >= 1 && floor(var.archive_days) == var.archive_days
    error_message = "archive_days: a whole number of at least 1 is accepted; an archive without an end costs without an end."
  }
}

variable "limits" {
  description = "What the processor refuses: the largest file in bytes, and what a gzip archive may unpack to, in bytes and as a multiple of its size. Null leaves the default of docs/LIMITS.md."
  type = object({
    max_file_bytes     = optional(number)
    max_unpacked_bytes = optional(number)
    max_unpacked_ratio = optional(number)
  })
  default = {}

  validation {
    # What the processor accepts: up to 5 TiB, the largest object that S3 stores.
    condition     = alltrue([for bytes in [var.limits.max_file_bytes, var.limits.max_unpacked_bytes] : bytes == null ? true : bytes >= 1 && bytes <= 5 * pow(1024, 4) && floor(bytes) == bytes])
    error_message = "limits: sizes are whole numbers of bytes from 1 to 5497558138880."
  }

  validation {
    condition     = var.limits.max_unpacked_ratio == null ? true : var.limits.max_unpacked_ratio >= 1 && var.limits.max_unpacked_ratio <= 2000 && floor(var.limits.max_unpacked_ratio) == var.limits.max_unpacked_ratio
    error_message = "limits: max_unpacked_ratio is a whole number from 1 to 2000."
  }
}

variable "s3_path_style" {
  description = "Whether the functions put the bucket's name into the path of S3 addresses. Emulators need it; AWS does not."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted and the bucket to be emptied by `terraform destroy`."
  type        = bool
  default     = true
}

variable "monthly_budget_usd" {
  description = "Cost of a month, in US dollars, whose 80 % and whose forecast excess are told to the alerts; 0 for no budget."
  type        = number
  default     = 25

  validation {
    condition     = var.monthly_budget_usd >= 0
    error_message = "monthly_budget_usd: 0 (none) or more is accepted."
  }
}

variable "budget_scope" {
  description = "What the budget counts: \"account\", or \"stack\", which needs the tag `stack` to be activated as a cost allocation tag first and counts nothing until then."
  type        = string
  default     = "account"

  validation {
    condition     = contains(["account", "stack"], var.budget_scope)
    error_message = "budget_scope: account or stack is accepted."
  }
}
