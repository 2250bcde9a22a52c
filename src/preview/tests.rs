//! Both ends of a preview, in one process.

use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

use super::protocol::{Header, receive_header, send_header};
use super::writer::Writer;
use super::*;
use crate::mapping::Mapping;
use crate::placeholder::{Pictures, write_picture};
use crate::relay::Card;
use crate::settings::{Geometry, PixelFormat};

/// Wider than a page in every slot, and no multiple of it.
const GEOMETRY: Geometry = Geometry {
    format: PixelFormat::Nv12,
    width: 70,
    height: 50,
};

/// What the placeholder `Paused` is made of in these tests.
const CARD: u8 = 77;

fn filled(byte: u8) -> Vec<u8> {
    vec![byte; GEOMETRY.frame_len()]
}

fn pictures() -> Pictures {
    let memfd = memfd_create("cards", MemfdFlags::CLOEXEC).unwrap();
    let mut file = std::fs::File::from(memfd);
    write_picture(&mut file, GEOMETRY, &[Card::Paused], &filled(CARD)).unwrap();
    Pictures::open(file, GEOMETRY).unwrap()
}

fn ends() -> (Writer, Reader) {
    let (writer, theirs) = Writer::new(GEOMETRY).unwrap();
    (writer, Reader::new(theirs).unwrap())
}

/// What the newest frame is made of; `None` if there is none.
fn seen(reader: &mut Reader) -> Option<u8> {
    let frame = reader.newest().unwrap()?;
    let first = frame.bytes()[0];
    assert!(frame.bytes().iter().all(|byte| *byte == first), "torn");
    Some(first)
}

/// Lets the writer hear everything that the reader said.
fn hear(writer: &mut Writer) {
    for _ in 0..10 {
        assert!(writer.reclaim());
    }
}

#[test]
fn a_reader_sees_every_frame_that_it_keeps_up_with() {
    let (mut writer, mut reader) = ends();
    assert_eq!(reader.geometry(), GEOMETRY);
    assert_eq!(seen(&mut reader), None);
    for byte in 1..20 {
        writer.submit(&filled(byte));
        assert_eq!(seen(&mut reader), Some(byte));
        assert_eq!(seen(&mut reader), None);
        hear(&mut writer);
    }
}

#[test]
fn a_slow_reader_misses_frames_and_holds_nobody_up() {
    let (mut writer, mut reader) = ends();
    writer.submit(&filled(1));
    let looking = reader.newest().unwrap().unwrap();
    for byte in 2..100 {
        writer.submit(&filled(byte));
        hear(&mut writer);
    }
    assert_eq!(looking.bytes(), filled(1));
    drop(looking);
    hear(&mut writer);
    writer.submit(&filled(100));
    assert_eq!(seen(&mut reader), Some(100));
}

#[test]
fn a_card_covers_every_slot_whoever_has_it() {
    let (mut writer, theirs) = Writer::new(GEOMETRY).unwrap();
    let (header, memory) = receive_header(&theirs).unwrap().unwrap();
    let memory = Mapping::read_only(&memory.into(), header.memory_len()).unwrap();
    for _ in 0..header.slots {
        writer.submit(&filled(200));
    }
    let shown = |byte| {
        let slots = memory.bytes().chunks_exact(header.stride as usize);
        slots
            .filter(|slot| slot[..GEOMETRY.frame_len()].contains(&byte))
            .count()
    };
    assert_eq!(shown(200), header.slots as usize);
    writer.show(Card::Paused, &pictures());
    assert_eq!((shown(200), shown(CARD)), (0, header.slots as usize));
    writer.submit(&filled(200)); // no slot is free
    assert_eq!(shown(200), 0);
}

#[test]
fn a_preview_that_ends_leaves_no_frame_behind() {
    let (mut writer, mut reader) = ends();
    writer.submit(&filled(200));
    let frame = reader.newest().unwrap().unwrap();
    drop(writer);
    let mut black = filled(0);
    GEOMETRY.fill_black(&mut black);
    assert_eq!(frame.bytes(), black);
    drop(frame);
    let end = reader.newest().err().unwrap();
    assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_card_reaches_a_reader_that_had_every_slot() {
    let (mut writer, mut reader) = ends();
    for _ in 0..9 {
        writer.submit(&filled(1));
    }
    let looking = reader.newest().unwrap().unwrap();
    writer.show(Card::Paused, &pictures());
    drop(looking);
    hear(&mut writer);
    assert_eq!(seen(&mut reader), Some(CARD));
    hear(&mut writer);
    assert_eq!(seen(&mut reader), None, "the card came twice");
}

#[test]
fn a_card_that_is_late_never_follows_a_frame() {
    let (mut writer, mut reader) = ends();
    for _ in 0..9 {
        writer.submit(&filled(1));
    }
    writer.show(Card::Paused, &pictures());
    writer.submit(&filled(2)); // dropped, too
    assert_eq!(seen(&mut reader), Some(CARD));
    hear(&mut writer);
    assert_eq!(seen(&mut reader), None);
}

#[test]
fn a_reader_cannot_write() {
    let (_writer, theirs) = Writer::new(GEOMETRY).unwrap();
    let (header, memory) = receive_header(&theirs).unwrap().unwrap();
    let mut memory = std::fs::File::from(memory);
    assert!(Mapping::new(&memory, 0, header.memory_len()).is_err());
    assert!(memory.write(&[1]).is_err());
    assert!(memory.set_len(0).is_err());
}

#[test]
fn a_reader_that_breaks_the_rules_is_gone() {
    let one = 1_u32.to_ne_bytes();
    let nonsense: [&[u8]; 4] = [&one, &[0xff; 4], &[0; 3], &[0; 5]];
    for packet in nonsense {
        let (mut writer, theirs) = Writer::new(GEOMETRY).unwrap();
        writer.submit(&filled(1)); // lends slot 0
        send(&theirs, packet, SendFlags::NOSIGNAL).unwrap();
        assert!(!writer.reclaim(), "{packet:?}");
    }
    let (mut writer, reader) = ends();
    assert!(writer.reclaim());
    drop(reader);
    assert!(!writer.reclaim());
}

/// A socket with this first packet, and a memfd of this length with these seals.
fn offer(header: &Header, len: u64, seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = memfd_create("slots", flags).unwrap();
    ftruncate(&memory, len).unwrap();
    fcntl_add_seals(&memory, seals).unwrap();
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    send_header(&ours, header, memory.as_fd()).unwrap();
    theirs
}

#[test]
fn a_reader_takes_only_memory_that_stays() {
    let header = Header {
        geometry: GEOMETRY,
        slots: 2,
        stride: 8192,
    };
    let is_taken = |len, seals| Reader::new(offer(&header, len, seals)).is_ok();
    assert!(is_taken(16384, SealFlags::SHRINK));
    assert!(!is_taken(16384, SealFlags::GROW));
    assert!(!is_taken(16383, SealFlags::SHRINK));
}

#[test]
fn a_header_is_read_as_it_was_written_or_refused() {
    let header = Header {
        geometry: GEOMETRY,
        slots: 3,
        stride: 8192,
    };
    let packet = header.encode();
    assert_eq!(Header::decode(&packet), Some(header));
    let changed = |at: usize, byte: u8| {
        let mut packet = packet;
        packet[at] = byte;
        Header::decode(&packet)
    };
    assert_eq!(changed(3, b'2'), None, "another version");
    assert_eq!(changed(4, b'X'), None, "another format");
    assert_eq!(changed(8, 0), None, "no width");
    assert_eq!(changed(21, 4), None, "slots shorter than a frame");
    assert_eq!(Header::decode(&packet[..20]), None);
    assert_eq!(Header::decode(&[&packet[..], &[0]].concat()), None);
}
