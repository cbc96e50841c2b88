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
        let [layout, block, limits, _, cuts @ ..] = control;
        let control = Self {
            layout: Layout {
                delimiter: [b',', b',', b';', b'\t', b'|', b' '][usize::from(layout & 0x0f) % 6],
                quote: if layout & 0x10 == 0 { b'"' } else { b'\'' },
                skip_initial_space: layout & 0x20 != 0,
                ..Layout::default()
            },
            limits: if limits & 1 == 0 { Limits::STANDARD } else { SMALL },
            block: usize::from(*block),
            cuts: cuts.map(|cut| usize::from(cut % 64) + 1),
        };
        Some((control, rest))
    }
}
