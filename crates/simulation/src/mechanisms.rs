//! What can be switched off around the stages, so that a run shows what each mechanism is for.

/// The mechanisms of the delivery guarantees that lie around the stage code: in the adapters, in the functions and
/// in the infrastructure. All are on by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mechanisms {
    /// A message is deleted after the work. Off: before it.
    pub acknowledge_last: bool,
    /// The same upload is the same run. Off: each invocation makes a run of its own, as with timestamped keys.
    pub deterministic_keys: bool,
    /// An object is written only where none stands. Off: it is overwritten.
    pub if_none_match: bool,
    /// A refused write is compared with what stands there. Off: whatever stands there is taken for the same.
    pub checksum_comparison: bool,
    /// A claimed task is refused to others until its lease ends. Off: it is granted to anybody at once.
    pub lease: bool,
    /// A write under a lease needs its owner and its fence. Off: the state alone decides.
    pub fence: bool,
    /// A refused write is checked for being one's own that had landed. Off: it is Busy or Lost.
    pub own_retry_check: bool,
    /// The call of the mail service is not repeated. Off: it is repeated as any other call is.
    pub ses_no_retries: bool,
    /// The intent to send is written before the call. Off: it is not.
    pub send_intent: bool,
    /// An unsettled send is left alone for a while. Off: it is taken over at once.
    pub feedback_wait: bool,
    /// An entry that the bus refused is a failure. Off: the answer is not looked at.
    pub failed_entries: bool,
    /// The announced version is read. Off: the latest one is.
    pub pinned_reads: bool,
    /// The sweep comes every quarter of an hour. Off: never.
    pub sweep: bool,
    /// The mail service tells what became of a mail. Off: it does not.
    pub ses_events: bool,
}

impl Default for Mechanisms {
    fn default() -> Self {
        Self {
            acknowledge_last: true,
            deterministic_keys: true,
            if_none_match: true,
            checksum_comparison: true,
            lease: true,
            fence: true,
            own_retry_check: true,
            ses_no_retries: true,
            send_intent: true,
            feedback_wait: true,
            failed_entries: true,
            pinned_reads: true,
            sweep: true,
            ses_events: true,
        }
    }
}

impl Mechanisms {
    /// The names of all of them.
    pub const NAMES: [&str; 14] = [
        "acknowledge_last",
        "deterministic_keys",
        "if_none_match",
        "checksum_comparison",
        "lease",
        "fence",
        "own_retry_check",
        "ses_no_retries",
        "send_intent",
        "feedback_wait",
        "failed_entries",
        "pinned_reads",
        "sweep",
        "ses_events",
    ];

    /// Switches one off by its name, and says whether there is one of that name.
    fn switch_off(&mut self, name: &str) -> bool {
        let mechanism = match name {
            "acknowledge_last" => &mut self.acknowledge_last,
            "deterministic_keys" => &mut self.deterministic_keys,
            "if_none_match" => &mut self.if_none_match,
            "checksum_comparison" => &mut self.checksum_comparison,
            "lease" => &mut self.lease,
            "fence" => &mut self.fence,
            "own_retry_check" => &mut self.own_retry_check,
            "ses_no_retries" => &mut self.ses_no_retries,
            "send_intent" => &mut self.send_intent,
            "feedback_wait" => &mut self.feedback_wait,
            "failed_entries" => &mut self.failed_entries,
            "pinned_reads" => &mut self.pinned_reads,
            "sweep" => &mut self.sweep,
            "ses_events" => &mut self.ses_events,
            _ => return false,
        };
        *mechanism = false;
        true
    }

    /// All but these.
    ///
    /// # Errors
    /// The first name that there is none of.
    pub fn without<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, &'n str> {
        let mut mechanisms = Self::default();
        for name in names {
            if !mechanisms.switch_off(name) {
                return Err(name);
            }
        }
        Ok(mechanisms)
    }
}
