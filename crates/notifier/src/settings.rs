/// What is set when the stage is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The sender's address.
    pub from: String,
    /// Who gets the mails of contracts that name nobody, of inferred contracts, and of files whose contract is
    /// broken.
    pub default_recipients: Vec<String>,
    /// What comes before an output's key where a mail says where it lies: `s3://bucket`, a folder, or the
    /// `https` address of a place where keys can be opened. Only the last becomes a link.
    pub output_base: Option<String>,
    /// What is done about a send that nobody can tell the end of.
    pub unsettled: Unsettled,
    /// Whether the ledger is kept ([`shared::ledger`]): in the cloud, where a sweep looks at it.
    pub ledger: bool,
}

/// What is done about a send when neither the mail service's answer nor its word on the mail has come within the
/// grace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unsettled {
    /// The mail is sent again: nobody goes without a report, and somebody may get it twice.
    #[default]
    Resend,
    /// The run is parked for a person: nobody gets a report twice, and somebody may go without.
    Park,
}
