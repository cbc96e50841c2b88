//! The log of a test, kept. For the tests of the stages' handlers, which say what becomes of each message there.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    /// What was logged by this thread, which is this test.
    static PAPER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Paper;

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        PAPER.with_borrow_mut(|paper| paper.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From now on, what is logged is kept. For the whole process: of a subscriber for one thread, a line that another
/// thread has reached before may never hear.
pub(crate) fn keep_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Paper).init());
    drop(logged());
}

/// What was logged since the last call.
pub(crate) fn logged() -> String {
    String::from_utf8(PAPER.take()).unwrap()
}
