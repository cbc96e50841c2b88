//! Where words go.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

pub(crate) use shared::wording::count;

use crate::failure::{Exit, Failure};

/// Standard output and standard error, and what they are able to show.
pub struct Console<'a> {
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where everything else goes.
    pub err: &'a mut dyn Write,
    /// Whether results may be coloured.
    pub colour: bool,
    /// How many columns of text a line of results has.
    pub width: usize,
    /// Whether somebody watches, so that a bar is of use.
    pub progress: bool,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { colour, width, progress, .. } = self;
        f.debug_struct("Console")
            .field("colour", colour)
            .field("width", width)
            .field("progress", progress)
            .finish_non_exhaustive()
    }
}

impl Console<'_> {
    /// Writes a result.
    ///
    /// # Errors
    /// When standard output cannot be written. A reader that has read enough (`| head`) is no error.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::program(format!("standard output cannot be written: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Says something that is no result.
    pub(crate) fn say(&mut self, text: &str) {
        // When even standard error is closed there is nobody to tell.
        let _ = self.err.write_all(visible(text).as_bytes()).and_then(|()| self.err.write_all(b"\n"));
    }

    /// Says what went wrong.
    pub fn fail(&mut self, failure: &Failure) -> Exit {
        for line in failure.message.lines() {
            self.say(&format!("error: {line}"));
        }
        failure.exit
    }

    /// A word in a colour, where colours are shown.
    pub(crate) fn paint(&self, colour: Colour, word: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{word}\u{1b}[0m", colour as u8) } else { word.to_owned() }
    }
}

/// A terminal's colour.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

/// A text from a file as a terminal may show it: control characters, which could move the cursor or clear the
/// screen, become visible.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A count with its noun: `1 row`, `2 rows`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let mut text = count(number);
    // Writing to a String cannot fail.
    let _ = write!(text, " {noun}{}", if number == 1 { "" } else { "s" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_readable() {
        for (number, text) in [(0, "0"), (999, "999"), (1_002, "1,002"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((counted(1, "row"), counted(2_000, "row")), ("1 row".to_owned(), "2,000 rows".to_owned()));
    }

    #[test]
    fn a_text_from_a_file_cannot_steer_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{7}\nc"), "a\\u{1b}[2Jb\\u{7}\nc");
    }

    #[test]
    fn a_reader_that_has_read_enough_is_no_failure() {
        struct Closed(io::ErrorKind);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let print = |kind| {
            let (mut out, mut err) = (Closed(kind), io::sink());
            Console { out: &mut out, err: &mut err, colour: false, width: 100, progress: false }.print("x")
        };
        assert_eq!(print(io::ErrorKind::BrokenPipe), Ok(()));
        assert_eq!(print(io::ErrorKind::StorageFull).unwrap_err().exit, Exit::Failed);
    }
}
