//! A run as a mail: one view, rendered as a subject, a text and an HTML page.
//!
//! Whatever comes from the file, the contract or the model is shown as text and nothing else: hidden and
//! control characters are removed before it enters the view, and the HTML template escapes every value. A link
//! can only come from the settings.

mod advice;
mod figures;
mod plain;
mod rejections;
mod subject;
mod view;

use askama::Template;
use shared::contract::Contract;
use shared::manifest::Manifest;
use shared::record::AnalysisRecord;

use view::{Tone, View};

/// The largest HTML of a mail, in bytes. Gmail cuts a message at about 102 KB and hides the rest behind a link.
pub const MAX_HTML_BYTES: usize = 95_000;

/// What a mail shows of a record, and what it shows when that makes it too large.
const FULL: Caps = Caps { findings: 50, characters: 600, charts: 5 };
const TIGHTER: [Caps; 3] = [
    Caps { findings: 20, characters: 400, charts: 5 },
    Caps { findings: 10, characters: 200, charts: 3 },
    Caps { findings: 3, characters: 100, charts: 2 },
];

/// How many findings of a kind are shown, how long each may be, and how many charts there are.
#[derive(Debug, Clone, Copy)]
struct Caps {
    findings: usize,
    characters: usize,
    charts: usize,
}

/// What a mail is about.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The run.
    pub manifest: &'a Manifest,
    /// Its analysis; absent when the file was refused or held.
    pub record: Option<&'a AnalysisRecord>,
    /// The contract that judged it; absent when it cannot be read.
    pub contract: Option<&'a Contract>,
    /// What comes before an output's key, from the settings.
    pub output_base: Option<&'a str>,
}

/// A mail's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject: printable, one line, at most 120 characters.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML, at most [`MAX_HTML_BYTES`].
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    view: &'a View,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Text<'a> {
    view: &'a View,
}

impl Report<'_> {
    /// Renders the mail.
    ///
    /// # Errors
    /// None in practice: the templates are compiled in and write into memory.
    pub fn render(&self) -> Result<Rendered, askama::Error> {
        let mut rendered = self.render_within(FULL)?;
        for caps in TIGHTER {
            if rendered.html.len() <= MAX_HTML_BYTES {
                break;
            }
            rendered = self.render_within(caps)?;
        }
        Ok(rendered)
    }

    fn render_within(&self, caps: Caps) -> Result<Rendered, askama::Error> {
        let view = View::of(self, caps);
        let (html, text) = (Html { view: &view }.render()?, Text { view: &view }.render()?);
        Ok(Rendered { subject: view.subject, text, html })
    }
}

#[cfg(test)]
mod tests;
