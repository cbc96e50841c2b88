//! What can be set for the analyzer.

use std::time::Duration;

/// The analyzer's settings. Where they come from is the caller's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many days a record is kept: as long as the run's objects, since the record also remembers that the mail
    /// went out (decision 0015).
    pub ttl_days: u32,
    /// How long a claim outlives the invocation that made it: room for clocks that differ.
    pub lease_slack: Duration,
    /// The most tokens that the model's answer may have. Amazon Nova's limit is 5,000
    /// (Amazon Bedrock user guide, model card of Nova Lite).
    pub max_output_tokens: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ttl_days: 365, lease_slack: Duration::from_secs(2), max_output_tokens: 3_000 }
    }
}
