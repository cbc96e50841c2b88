//! What the first bytes of an input choose.

use shared::rows::{Layout, Limits};

/// Limits that small inputs reach.
const SMALL: Limits = Limits { record_bytes: 60, field_bytes: 30, columns: 8, header_bytes: 64 };

/// How an input is read.
pub(crate) struct Control {
    pub(crate) layout: Layout,
    pub(crate) limits: Limits,
    /// Bytes of the reader's buffer at the start.
    pub(crate) block: usize,
    /// How many bytes come at a time, in turn.
    pub(crate) cuts: [usize; 4],
}

impl Control {
    /// Takes what is chosen off the input.
    pub(crate) fn of(input: &[u8]) -> Option<(Self, &[u8])> {
        let (control, rest) = input.split_first_chunk::<8>()?;
        let [layout, block, limits, dialect, cuts @ ..] = control;
        let control = Self {
            layout: Layout {
                delimiter: [b',', b',', b';', b'\t', b'|', b' '][usize::from(layout & 0x0f) % 6],
                quote: if layout & 0x10 == 0 { b'"' } else { b'\'' },
                skip_initial_space: layout & 0x20 != 0,
                // One in four has an escape character, one in eight of those no doubled quotes, one in eight comments.
                escape: (dialect & 0x30 == 0x30).then_some(b'\\'),
                double_quote: dialect & 0x1c != 0x1c,
                comment: (dialect & 0xc0 == 0xc0).then_some(b'#'),
            },
            limits: if limits & 1 == 0 { Limits::STANDARD } else { SMALL },
            block: usize::from(*block),
            cuts: cuts.map(|cut| usize::from(cut % 64) + 1),
        };
        Some((control, rest))
    }
}
