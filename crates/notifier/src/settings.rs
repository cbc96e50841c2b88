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
}
