//! The pictures that clients see while the camera is off.
//!
//! A short-lived child draws them into a memfd, and the applet reads them row by row with `pread`, so
//! that it neither draws nor keeps a frame in memory. A picture is mostly background, so it is stored
//! as the first row of each plane and, for every row, the span that differs from it (11 cards at
//! 1920x1080 take 3 MB instead of 45).
//!
//! The file is a sequence of pictures, numbers in native byte order: a `Header`, then for each
//! plane its first row, a table of (start, length) in bytes for each row, and the bytes of the spans.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::relay::Card;
use crate::settings::{Geometry, Plane};

/// The first word of each picture, to detect foreign files and other layouts.
const MAGIC: u32 = u32::from_ne_bytes(*b"Lcp1");

const HEADER_WORDS: usize = 6;
const HEADER_LEN: usize = HEADER_WORDS * 4;

/// Bytes of a table entry: start and length, both u32.
const SPAN_LEN: usize = 8;

struct Header {
    /// The cards that show this picture: bit `i` for the `i`th of [`Card::all`].
    cards: u32,
    geometry: [u32; 3],
    /// Bytes of the picture after the header.
    body: u32,
}

impl Header {
    fn encode(&self) -> [u8; HEADER_LEN] {
        let [fourcc, width, height] = self.geometry;
        let words = [MAGIC, self.cards, fourcc, width, height, self.body];
        let mut bytes = [0; HEADER_LEN];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8; HEADER_LEN]) -> io::Result<Self> {
        let mut words = [0; HEADER_WORDS];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        }
        let [magic, cards, fourcc, width, height, body] = words;
        if magic != MAGIC {
            return Err(invalid("not a placeholder picture"));
        }
        Ok(Self {
            cards,
            geometry: [fourcc, width, height],
            body,
        })
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn bits(cards: &[Card]) -> u32 {
    let bit = |card| Card::all().position(|other| other == card);
    cards
        .iter()
        .filter_map(|card| bit(*card))
        .fold(0, |bits, index| bits | 1 << index)
}

/// A geometry in a header.
fn words(geometry: Geometry) -> [u32; 3] {
    let Geometry {
        format,
        width,
        height,
    } = geometry;
    [format.fourcc(), width, height]
}

/// All placeholder pictures of one geometry.
#[derive(Debug)]
pub struct Pictures {
    geometry: Geometry,
    file: Option<File>,
    /// Cards, as bits, and the offset of their picture's body in the file.
    bodies: Vec<(u32, u64)>,
}

impl Pictures {
    /// Black for every card, without a file.
    pub fn black(geometry: Geometry) -> Self {
        Self {
            geometry,
            file: None,
            bodies: Vec::new(),
        }
    }

    /// The pictures that [`write_picture`] wrote to this file, in any number and order.
    ///
    /// Fails if the file can't be read, or holds anything but whole pictures of this geometry.
    pub fn open(file: File, geometry: Geometry) -> io::Result<Self> {
        let end = file.metadata()?.len();
        let mut bodies = Vec::new();
        let mut at = 0;
        while at < end {
            let mut bytes = [0; HEADER_LEN];
            file.read_exact_at(&mut bytes, at)?;
            let header = Header::decode(&bytes)?;
            if header.geometry != words(geometry) {
                return Err(invalid("a placeholder picture of another size or format"));
            }
            let body = at + HEADER_LEN as u64;
            at = body + u64::from(header.body);
            if at > end || check_body(&file, geometry, body)? != at {
                return Err(invalid("a placeholder picture is truncated"));
            }
            bodies.push((header.cards, body));
        }
        Ok(Self {
            geometry,
            file: Some(file),
            bodies,
        })
    }

    /// The geometry of the pictures.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Fills the frame with the card's picture; a card without one is black.
    ///
    /// `frame` is at least one frame of the geometry long; bytes after that stay unchanged. If reading
    /// fails, the frame is black rather than half painted.
    pub fn paint(&self, card: Card, frame: &mut [u8]) -> io::Result<()> {
        let frame = frame
            .get_mut(..self.geometry.frame_len())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the frame is too short"))?;
        let Some((file, body)) = self.file.as_ref().zip(self.body_of(card)) else {
            self.geometry.fill_black(frame);
            return Ok(());
        };
        paint_body(file, self.geometry, body, frame)
            .inspect_err(|_| self.geometry.fill_black(frame))
    }

    fn body_of(&self, card: Card) -> Option<u64> {
        let wanted = bits(&[card]);
        self.bodies
            .iter()
            .find(|(cards, _)| cards & wanted != 0)
            .map(|(_, body)| *body)
    }
}

/// The spans of a plane: for each row, the first byte and the number of bytes that differ from the
/// plane's first row. Checked to lie within their rows.
struct Spans(Vec<(usize, usize)>);

impl Spans {
    fn of(plane: Plane, pixels: &[u8]) -> Self {
        let base = &pixels[..plane.stride];
        let span = |row: &[u8]| {
            let differs = |i: &usize| row[*i] != base[*i];
            let start = (0..row.len()).find(differs)?;
            let end = (start..row.len()).rfind(differs)? + 1;
            Some((start, end - start))
        };
        let rows = pixels.chunks_exact(plane.stride);
        Self(rows.map(|row| span(row).unwrap_or_default()).collect())
    }

    fn read(file: &File, plane: Plane, at: u64) -> io::Result<Self> {
        let mut table = vec![0; plane.rows * SPAN_LEN];
        file.read_exact_at(&mut table, at)?;
        table
            .chunks_exact(SPAN_LEN)
            .map(|entry| {
                let word =
                    |i| u32::from_ne_bytes([entry[i], entry[i + 1], entry[i + 2], entry[i + 3]]);
                let (start, len) = (word(0) as usize, word(4) as usize);
                match start.checked_add(len) {
                    Some(end) if end <= plane.stride => Ok((start, len)),
                    _ => Err(invalid("a placeholder picture has a row that is too long")),
                }
            })
            .collect::<io::Result<_>>()
            .map(Self)
    }

    fn encode(&self) -> Vec<u8> {
        let word = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_ne_bytes();
        let entries = self.0.iter();
        entries
            .flat_map(|(start, len)| [word(*start), word(*len)])
            .flatten()
            .collect()
    }

    fn total(&self) -> usize {
        self.0.iter().map(|(_, len)| len).sum()
    }
}

/// The offsets of a plane's table and its spans, for a plane at `at`.
fn layout(plane: Plane, at: u64) -> (u64, u64) {
    let table = at + plane.stride as u64;
    (table, table + (plane.rows * SPAN_LEN) as u64)
}

/// Checks a body and returns the offset of its end.
fn check_body(file: &File, geometry: Geometry, mut at: u64) -> io::Result<u64> {
    for plane in geometry.planes() {
        let (table, pixels) = layout(plane, at);
        at = pixels + Spans::read(file, plane, table)?.total() as u64;
    }
    Ok(at)
}

fn paint_body(file: &File, geometry: Geometry, mut at: u64, frame: &mut [u8]) -> io::Result<()> {
    for plane in geometry.planes() {
        let (table, mut pixels) = layout(plane, at);
        let spans = Spans::read(file, plane, table)?;
        let rows = &mut frame[plane.offset..][..plane.stride * plane.rows];
        let (base, rest) = rows.split_at_mut(plane.stride);
        file.read_exact_at(base, at)?;
        // The first row is the base itself, so its span is ignored.
        for (row, (start, len)) in rest.chunks_exact_mut(plane.stride).zip(&spans.0[1..]) {
            row.copy_from_slice(base);
            file.read_exact_at(&mut row[*start..][..*len], pixels)?;
            pixels += *len as u64;
        }
        at = pixels;
    }
    Ok(())
}

/// Writes the picture of these cards; `frame` is a whole frame of the geometry.
pub fn write_picture(
    out: &mut impl io::Write,
    geometry: Geometry,
    cards: &[Card],
    frame: &[u8],
) -> io::Result<()> {
    let mut body = Vec::new();
    for plane in geometry.planes() {
        let pixels = frame
            .get(plane.offset..plane.offset + plane.stride * plane.rows)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the frame is too short"))?;
        let spans = Spans::of(plane, pixels);
        body.extend_from_slice(&pixels[..plane.stride]);
        body.extend(spans.encode());
        for (row, (start, len)) in pixels.chunks_exact(plane.stride).zip(&spans.0) {
            body.extend_from_slice(&row[*start..][..*len]);
        }
    }
    let header = Header {
        cards: bits(cards),
        geometry: words(geometry),
        body: u32::try_from(body.len()).map_err(|_| invalid("the picture is too large"))?,
    };
    out.write_all(&header.encode())?;
    out.write_all(&body)
}

#[cfg(test)]
mod tests;
