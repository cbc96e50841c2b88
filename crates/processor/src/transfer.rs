//! Moving bytes between the ports and the engine.

use shared::intake::{ArchiveLimits, Gunzip, Taken, is_gzip};
use shared::manifest::Output;
use shared::ports::{Body, Fault, FaultKind, Location, Metadata, Objects, SourceObject, Upload};
use shared::split::Sink;
use shared::violation::Verdict;

/// A source object being read: unpacked where it is a gzip archive, with a count of the stored bytes that came.
pub(crate) struct Source<B> {
    body: B,
    expected: u64,
    read: u64,
    limits: ArchiveLimits,
    packing: Packing,
}

/// Whether the object is packed.
enum Packing {
    /// Nothing was read yet.
    Unknown,
    None,
    Gzip(Box<Gunzip>),
}

/// Why no more of a source object comes.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// The call failed.
    Fault(Fault),
    /// What is stored cannot be unpacked.
    Verdict(Verdict),
}

impl<B: Body> Source<B> {
    pub(crate) fn new(body: B, expected: u64, limits: ArchiveLimits) -> Self {
        Self { body, expected, read: 0, limits, packing: Packing::Unknown }
    }

    /// Whether it is a gzip archive, as far as was read.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.packing, Packing::Gzip(_))
    }

    /// Fills the space as far as the object reaches; 0 is its end.
    pub(crate) async fn fill(&mut self, space: &mut [u8]) -> Result<usize, NotRead> {
        if matches!(self.packing, Packing::Unknown) {
            let filled = self.stored(space).await?;
            let start = space.get(..filled).unwrap_or_default();
            if !is_gzip(start) {
                self.packing = Packing::None;
                return Ok(filled);
            }
            self.packing = Packing::Gzip(Box::new(Gunzip::new(start.to_vec(), self.limits)));
        }
        match std::mem::replace(&mut self.packing, Packing::None) {
            Packing::Gzip(mut gunzip) => {
                let filled = self.unpack(&mut gunzip, space).await;
                self.packing = Packing::Gzip(gunzip);
                filled
            }
            Packing::Unknown | Packing::None => Ok(self.stored(space).await?),
        }
    }

    /// Fills the space with what the archive unpacks to.
    async fn unpack(&mut self, gunzip: &mut Gunzip, space: &mut [u8]) -> Result<usize, NotRead> {
        let mut filled = 0;
        while let Some(rest) = space.get_mut(filled..)
            && !rest.is_empty()
        {
            match gunzip.read(rest).map_err(NotRead::Verdict)? {
                Taken::Bytes(bytes) => filled += bytes,
                Taken::End => break,
                Taken::NeedInput => {
                    let stored = self.stored(gunzip.space()).await?;
                    gunzip.filled(stored);
                }
            }
        }
        Ok(filled)
    }

    /// Fills the space with stored bytes as far as the object reaches.
    async fn stored(&mut self, space: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while let Some(rest) = space.get_mut(filled..)
            && !rest.is_empty()
        {
            let bytes = self.body.read(rest).await?;
            if bytes == 0 {
                break;
            }
            filled += bytes;
        }
        self.read += filled as u64;
        if filled == 0 && self.read != self.expected {
            // A body that ends early would look like a shorter file: rows would be lost without a trace.
            return Err(Fault::new("GetObject", FaultKind::Unavailable, "ShortBody"));
        }
        Ok(filled)
    }
}

impl From<Fault> for NotRead {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One output on its way to its object. Nothing is begun before there are bytes.
pub(crate) struct Outgoing<'o, O: Objects> {
    objects: &'o O,
    at: Location,
    metadata: Metadata,
    upload: Option<O::Upload>,
}

impl<'o, O: Objects> Outgoing<'o, O> {
    pub(crate) fn new(objects: &'o O, at: Location, metadata: Metadata) -> Self {
        Self { objects, at, metadata, upload: None }
    }

    /// Sends what waits in the sink.
    pub(crate) async fn drain(&mut self, sink: &mut Sink) -> Result<(), Fault> {
        if sink.waiting().is_empty() {
            return Ok(());
        }
        if self.upload.is_none() {
            self.upload = Some(self.objects.create(&self.at, self.metadata.clone()).await?);
        }
        if let Some(upload) = &mut self.upload {
            upload.write(sink.waiting()).await?;
        }
        sink.taken();
        Ok(())
    }

    /// Makes the object exist; nothing when there was nothing to write.
    pub(crate) async fn finish(&mut self, sink: &mut Sink) -> Result<Option<Output>, Fault> {
        self.drain(sink).await?;
        let Some(upload) = self.upload.take() else { return Ok(None) };
        let checksum = sink.checksum();
        let count = Metadata::from([("record-count".to_owned(), sink.records().to_string())]);
        upload.finish(&checksum, count).await?;
        Ok(Some(Output { key: self.at.key.clone(), bytes: sink.bytes(), records: sink.records(), checksum }))
    }

    /// Gives up. What cannot be removed expires by the bucket's lifecycle rule.
    pub(crate) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take()
            && let Err(fault) = upload.abort().await
        {
            tracing::warn!(s3.key = self.at.key, error = %fault, "an unfinished upload could not be removed");
        }
    }
}

/// The metadata of every output of a run.
pub(crate) fn metadata(run_id: &str, source: &SourceObject, contract: &str) -> Metadata {
    Metadata::from([
        ("run-id".to_owned(), run_id.to_owned()),
        ("source-key".to_owned(), shared::keys::metadata_value(&source.key)),
        ("source-etag".to_owned(), shared::keys::metadata_value(source.etag.as_str())),
        ("contract".to_owned(), contract.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;

    /// A body that gives out its bytes three at a time.
    struct Bytes(Vec<u8>);

    impl Body for Bytes {
        async fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
            let taken: Vec<u8> = self.0.drain(..self.0.len().min(into.len()).min(3)).collect();
            into[..taken.len()].copy_from_slice(&taken);
            Ok(taken.len())
        }
    }

    #[test]
    fn a_space_is_filled_as_far_as_the_object_reaches() {
        let mut source = Source::new(Bytes(b"0123456789".to_vec()), 10, ArchiveLimits::STANDARD);
        let mut space = [0; 8];
        assert_eq!(block_on(source.fill(&mut space)).unwrap(), 8);
        assert_eq!(&space, b"01234567");
        assert_eq!(block_on(source.fill(&mut space)).unwrap(), 2);
        assert_eq!(block_on(source.fill(&mut space)).unwrap(), 0);
    }

    #[test]
    fn a_body_that_ends_early_is_a_fault_and_no_shorter_file() {
        let mut source = Source::new(Bytes(b"01234".to_vec()), 10, ArchiveLimits::STANDARD);
        assert_eq!(block_on(source.fill(&mut [0; 8])).unwrap(), 5);
        let NotRead::Fault(fault) = block_on(source.fill(&mut [0; 8])).unwrap_err() else {
            panic!("a verdict")
        };
        assert_eq!((fault.code.as_str(), fault.kind), ("ShortBody", FaultKind::Unavailable));
    }
}
