//! The placeholder pictures, drawn by the real child process.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, Output, Stdio};

use lenscap::capture::card::UNUSABLE_IMAGE;
use lenscap::placeholder::Pictures;
use lenscap::relay::Card;
use lenscap::settings::{Geometry, PixelFormat, Plane};

fn geometry(format: PixelFormat, width: u32, height: u32) -> Geometry {
    Geometry {
        format,
        width,
        height,
    }
}

/// Runs the child as the applet does, with a file as its standard output.
fn run(geometry: Geometry, placeholder: &str) -> (File, Output) {
    let file = tempfile::tempfile().expect("a temporary file");
    let stdout: File = file.try_clone().expect("a second descriptor");
    let output = Command::new(env!("CARGO_BIN_EXE_lenscap"))
        .args(["capture", "--cards"])
        .arg(format!("{}x{}", geometry.width, geometry.height))
        .args([geometry.format.name(), placeholder])
        .stdout(Stdio::from(stdout))
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("the child runs");
    (file, output)
}

/// The pictures that the child draws.
fn drawn(geometry: Geometry, placeholder: &str) -> (Pictures, Output) {
    let (file, output) = run(geometry, placeholder);
    assert!(output.status.success(), "{output:?}");
    (
        Pictures::open(file, geometry).expect("whole pictures"),
        output,
    )
}

fn painted(pictures: &Pictures, geometry: Geometry, card: Card) -> Vec<u8> {
    let mut frame = vec![0; geometry.frame_len()];
    pictures.paint(card, &mut frame).expect("a picture");
    frame
}

fn rows(frame: &[u8], plane: Plane) -> Vec<&[u8]> {
    frame[plane.offset..][..plane.stride * plane.rows]
        .chunks(plane.stride)
        .collect()
}

/// Whether the picture's outermost rows and columns are background, so that nothing is cut off.
fn has_a_border(frame: &[u8], geometry: Geometry) -> bool {
    geometry.planes().into_iter().all(|plane| {
        let rows = rows(frame, plane);
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        let pixel = 4.min(plane.stride); // two pixels of the packed formats
        let edges = |row: &&[u8]| {
            row[..pixel] == first[..pixel] && row[plane.stride - pixel..] == first[..pixel]
        };
        first == last
            && first
                .chunks_exact(pixel)
                .all(|four| *four == first[..pixel])
            && rows.iter().all(edges)
    })
}

#[test]
fn cards_are_distinct_and_complete_in_every_geometry() {
    let shapes = [
        (64, 48),
        (640, 480),
        (1366, 768),
        (240, 640),
        (1280, 120),
        (1920, 1080),
    ];
    for (index, (width, height)) in shapes.into_iter().enumerate() {
        let format = PixelFormat::ALL[index % PixelFormat::ALL.len()];
        let geometry = geometry(format, width, height);
        let (pictures, _) = drawn(geometry, "card");
        let frames: Vec<_> = Card::all()
            .map(|card| painted(&pictures, geometry, card))
            .collect();
        for (i, frame) in frames.iter().enumerate() {
            assert!(has_a_border(frame, geometry), "card {i} at {geometry:?}");
            let twin = frames[..i].iter().position(|other| other == frame);
            assert_eq!(twin, None, "card {i} at {geometry:?}");
        }
    }
}

#[test]
fn every_format_shows_the_same_card() {
    let luma = |format: PixelFormat| {
        let geometry = geometry(format, 320, 240);
        let (pictures, _) = drawn(geometry, "card");
        let frame = painted(&pictures, geometry, Card::Paused);
        let plane = geometry.planes()[0];
        let bytes = rows(&frame, plane).concat();
        match format {
            PixelFormat::Yuy2 => bytes.into_iter().step_by(2).collect::<Vec<_>>(),
            PixelFormat::Uyvy => bytes.into_iter().skip(1).step_by(2).collect(),
            PixelFormat::Nv12 | PixelFormat::I420 => bytes,
        }
    };
    let lumas = PixelFormat::ALL.map(luma);
    assert!(lumas.iter().all(|luma| *luma == lumas[0]));
}

#[test]
fn the_largest_and_smallest_geometries_work() {
    for (width, height) in [(4096, 2160), (2, 2), (2, 480)] {
        let geometry = geometry(PixelFormat::Nv12, width, height);
        let (pictures, _) = drawn(geometry, "card");
        let frame = painted(&pictures, geometry, Card::Off);
        assert!(width < 64 || has_a_border(&frame, geometry));
    }
}

/// Only the title is white on this card.
#[test]
fn the_title_is_below_the_lens_in_the_central_square() {
    let geometry = geometry(PixelFormat::I420, 1280, 480);
    let (pictures, output) = drawn(geometry, "card");
    assert!(output.stderr.is_empty(), "the system has no fonts");
    let frame = painted(&pictures, geometry, Card::Off);
    let rows = rows(&frame, geometry.planes()[0]);
    let white = |row: &[u8]| row.iter().any(|luma| *luma > 220);
    let first = rows.iter().position(|row| white(row)).expect("a title");
    assert!((240..360).contains(&first), "the title begins at {first}");
    let columns: Vec<_> = (0..1280)
        .filter(|&x| rows.iter().any(|row| row[x] > 220))
        .collect();
    let (left, right) = (columns[0], columns[columns.len() - 1]);
    assert!(left > 400 && right < 880, "{left} to {right}");
    // Tolerance for the letters' side bearings.
    assert!((left + right).abs_diff(1280) < 8, "{left} to {right}");
}

#[test]
fn an_image_keeps_its_aspect_ratio_on_every_card() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("white.png");
    let white = image::RgbImage::from_pixel(40, 10, image::Rgb([255; 3]));
    white.save(&path).expect("saved");
    let geometry = geometry(PixelFormat::Nv12, 64, 48);
    let (pictures, output) = drawn(geometry, path.to_str().expect("plain text"));
    assert_eq!(output.stderr, b"");
    for card in Card::all() {
        let frame = painted(&pictures, geometry, card);
        // 64x16 in the middle of 64x48, in limited range.
        for (y, row) in rows(&frame, geometry.planes()[0]).into_iter().enumerate() {
            let expected = if (16..32).contains(&y) { 235 } else { 16 };
            assert!(row.iter().all(|luma| *luma == expected), "row {y}: {row:?}");
        }
    }
}

#[test]
fn the_reason_is_all_that_is_written_for_an_unreadable_image() {
    let geometry = geometry(PixelFormat::Yuy2, 320, 240);
    let (mut file, output) = run(geometry, "/nonexistent.png");
    assert_eq!(output.status.code(), Some(UNUSABLE_IMAGE.into()));
    assert_eq!(output.stderr, b"");
    let mut reason = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut reason).expect("text");
    assert!(reason.contains("No such file"), "{reason}");
}

#[test]
fn black_needs_no_pictures() {
    let geometry = geometry(PixelFormat::I420, 64, 48);
    let (pictures, _) = drawn(geometry, "black");
    let mut black = vec![0; geometry.frame_len()];
    geometry.fill_black(&mut black);
    assert_eq!(painted(&pictures, geometry, Card::Off), black);
}
