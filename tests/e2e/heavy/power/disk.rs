//! Disks that can lose their power: block devices whose every write and flush passes through the
//! test, so that nobody but the test decides what was durable at a moment.
//!
//! ```text
//! ext4 ─ loop device ─ FUSE, one file ─ this: blocks that were flushed, blocks that were not
//! ```
//!
//! What a disk promises: a block of 4 KiB is written whole or not at all, and what it was told
//! before a flush survives once the flush is answered. Nothing else: of what came after the last
//! flush any block may be there, in any order. Needs root, Linux, a loop device and FUSE.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// Bytes that are written whole or not at all.
const BLOCK: usize = 4096;
const SIZE: usize = 64 << 20;
/// Bytes of one request at most.
const LARGEST: usize = 128 << 10;

/// The same draws for the same seed (`SplitMix64`).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than so much.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }
}

/// What becomes of blocks that were written and not flushed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cache {
    /// All of them survive: what the kernel handed over was kept.
    Kept,
    /// None does: the disk kept everything in memory.
    Lost,
    /// Each by a throw of a coin: the disk wrote what was convenient.
    Mixed,
}

impl Cache {
    pub(super) const ALL: [Self; 3] = [Self::Mixed, Self::Kept, Self::Lost];
}

struct Cut {
    /// Requests until then.
    left: u64,
    cache: Cache,
    chance: Chance,
}

/// What a cut did.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Loss {
    /// Blocks that were not flushed.
    pub(super) unflushed: usize,
    /// Those of them that did not survive.
    pub(super) lost: usize,
}

struct Platter {
    /// What is read.
    seen: Vec<u8>,
    /// What was flushed; after a cut also what survived it.
    safe: Vec<u8>,
    /// Blocks that were written since: where, and what.
    cache: Vec<(usize, Vec<u8>)>,
}

/// All disks of one machine: they lose their power in the same moment.
#[derive(Default)]
struct Power {
    platters: Vec<Platter>,
    /// Writes and flushes since it is on.
    requests: u64,
    cut: Option<Cut>,
    /// Once it is off.
    loss: Option<Loss>,
}

impl Power {
    fn write(&mut self, disk: usize, at: usize, bytes: &[u8]) {
        let platter = &mut self.platters[disk];
        platter.seen[at..at + bytes.len()].copy_from_slice(bytes);
        if self.loss.is_none() {
            let blocks = bytes.chunks(BLOCK).enumerate();
            let placed = blocks.map(|(n, block)| (at + n * BLOCK, block.to_vec()));
            platter.cache.extend(placed);
            self.count();
        }
    }

    fn flush(&mut self, disk: usize) {
        if self.loss.is_none() {
            let Platter { safe, cache, .. } = &mut self.platters[disk];
            for (at, block) in cache.drain(..) {
                safe[at..at + block.len()].copy_from_slice(&block);
            }
            self.count();
        }
    }

    fn count(&mut self) {
        self.requests += 1;
        if let Some(cut) = &mut self.cut {
            match cut.left.checked_sub(1) {
                Some(left) => cut.left = left,
                None => self.off(),
            }
        }
    }

    /// From now on nothing that is written stays, although whoever writes does not notice.
    fn off(&mut self) {
        let Some(Cut {
            cache, mut chance, ..
        }) = self.cut.take()
        else {
            return;
        };
        let mut loss = Loss::default();
        for platter in &mut self.platters {
            for (at, block) in platter.cache.drain(..) {
                loss.unflushed += 1;
                let survives = match cache {
                    Cache::Kept => true,
                    Cache::Lost => false,
                    Cache::Mixed => chance.below(2) == 0,
                };
                if survives {
                    platter.safe[at..at + block.len()].copy_from_slice(&block);
                } else {
                    loss.lost += 1;
                }
            }
        }
        self.loss = Some(loss);
    }

    fn on(&mut self) -> Loss {
        for platter in &mut self.platters {
            platter.seen.clone_from(&platter.safe);
        }
        self.requests = 0;
        self.loss.take().unwrap()
    }
}

/// Disks with an ext4 file system each, mounted.
pub(super) struct Disks {
    power: Arc<Mutex<Power>>,
    options: &'static str,
    /// Where each is, and the file that is its device.
    places: Vec<(PathBuf, PathBuf)>,
    restarts: u32,
    folder: TempDir,
}

impl Disks {
    /// Makes disks and mounts them, in a mount namespace of this thread and what it starts, so
    /// that nothing stays mounted however the test ends; or says what is lacking. The thread must
    /// be one that has no such namespace yet.
    pub(super) fn mounted(places: &[&Path], options: &'static str) -> Result<Self, String> {
        let mut disks = Self {
            power: Arc::default(),
            options,
            places: Vec::new(),
            restarts: 0,
            folder: tempfile::tempdir().unwrap(),
        };
        let mut channels = Vec::new();
        for (number, place) in places.iter().enumerate() {
            let device = disks.folder.path().join(format!("device-{number}"));
            let content = formatted(&device)?;
            disks.power.lock().unwrap().platters.push(Platter {
                safe: content.clone(),
                seen: content,
                cache: Vec::new(),
            });
            channels.push(served(number, &disks.power)?);
            disks.places.push((place.to_path_buf(), device));
        }
        apart()?;
        for (number, (channel, begin)) in channels.into_iter().enumerate() {
            // The file system is nothing but one file; its channel is what `mount` knows as 0.
            let mut mount = Command::new("mount");
            mount.args(["-i", "-t", "fuse", "-o"]);
            mount.arg(format!(
                "fd=0,rootmode=100600,user_id=0,group_id=0,max_read={LARGEST}"
            ));
            mount.arg("power").arg(&disks.places[number].1);
            done(mount.stdin(channel))?;
            begin.send(()).unwrap();
            disks.mount(number)?;
        }
        Ok(disks)
    }

    fn mount(&self, number: usize) -> Result<(), String> {
        let (place, device) = &self.places[number];
        let mut mount = Command::new("mount");
        mount.args(["-t", "ext4", "-o", &format!("loop,{}", self.options)]);
        done(mount.arg(device).arg(place))
    }

    /// How many writes and flushes there were since the power is on.
    pub(super) fn requests(&self) -> u64 {
        self.power.lock().unwrap().requests
    }

    /// Cuts the power after so many more writes and flushes.
    pub(super) fn cut_after(&self, left: u64, cache: Cache, seed: u64) {
        let chance = Chance::new(seed);
        self.power.lock().unwrap().cut = Some(Cut {
            left,
            cache,
            chance,
        });
    }

    /// Cuts the power now, if that did not happen yet.
    pub(super) fn cut_now(&self) {
        self.power.lock().unwrap().off();
    }

    pub(super) fn are_off(&self) -> bool {
        self.power.lock().unwrap().loss.is_some()
    }

    /// Mounts what survived the cut, as a machine that starts again. Whoever worked on it must be
    /// dead.
    pub(super) fn power_on(&mut self) -> Loss {
        for (place, _) in &self.places {
            // Who is killed lets go of its files a moment after it was told.
            let unmount = || Command::new("umount").arg(place).output().unwrap();
            let away = (0..1_000).find(|_| unmount().status.success());
            assert!(away.is_some(), "it stays busy: {:?}", unmount());
        }
        let loss = self.power.lock().unwrap().on();
        self.restarts += 1;
        // As on a real machine, not every time in the same order: devices are numbered anew.
        let mut order: Vec<_> = (0..self.places.len()).collect();
        if self.restarts % 2 == 1 {
            order.reverse();
        }
        for number in order {
            self.mount(number).unwrap();
        }
        loss
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        for (place, device) in &self.places {
            for mounted in [place, device] {
                let _ = Command::new("umount").arg("-l").arg(mounted).output();
            }
        }
    }
}

/// Runs a program to its end, or tells what it said.
fn done(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{name}: {}", said.trim()))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// What is on a fresh disk; its device is an empty file.
fn formatted(device: &Path) -> Result<Vec<u8>, String> {
    let image = File::create(device).unwrap();
    image.set_len(SIZE as u64).unwrap();
    let mut make = Command::new("mkfs.ext4");
    make.args(["-q", "-F", "-m", "0", "-b", "4096"]);
    done(make.arg(device))?;
    let content = fs::read(device).unwrap();
    image.set_len(0).unwrap();
    Ok(content)
}

/// Makes ready to serve a disk: what it answers has to be mounted, and then said so. It is served
/// until it is unmounted, by a thread that has the file descriptor for itself, and no part in what
/// is mounted: when all are killed, whoever unmounts must not wait for an answer of whom it keeps
/// from ending.
fn served(number: usize, power: &Arc<Mutex<Power>>) -> Result<(File, Sender<()>), String> {
    let channel = File::options().read(true).write(true).open("/dev/fuse");
    let channel = channel.map_err(|error| format!("/dev/fuse: {error}"))?;
    let (descriptor, power) = (channel.as_raw_fd(), Arc::clone(power));
    let (ready, is_ready) = mpsc::channel();
    let (begin, is_mounted) = mpsc::channel();
    std::thread::spawn(move || match alone_with(descriptor) {
        Ok(own) => {
            ready.send(Ok(())).unwrap();
            // Before that there is nothing to read.
            if is_mounted.recv().is_ok() {
                serve(&own, number, &power);
            }
        }
        Err(error) => ready.send(Err(format!("close_range: {error}"))).unwrap(),
    });
    is_ready.recv().unwrap()?;
    Ok((channel, begin))
}

/// Gives this thread a table of file descriptors of its own, with one of those that there are.
fn alone_with(descriptor: RawFd) -> io::Result<File> {
    const UNSHARE: libc::c_uint = 2;
    let one = libc::c_uint::try_from(descriptor).unwrap();
    let close = |from: libc::c_uint, to: libc::c_uint| {
        // SAFETY: the table is this thread's before anything in it is closed.
        #[expect(unsafe_code, reason = "std shares its file descriptors")]
        let closed = unsafe { libc::syscall(libc::SYS_close_range, from, to, UNSHARE) };
        match closed {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    close(one + 1, libc::c_uint::MAX)?;
    if one > 3 {
        close(3, one - 1)?;
    }
    // SAFETY: it is open, and in this table nobody else has it.
    #[expect(unsafe_code, reason = "the owner in the other table keeps its own")]
    let own = unsafe { File::from_raw_fd(descriptor) };
    Ok(own)
}

/// Takes this thread to a mount namespace of its own.
fn apart() -> Result<(), String> {
    // SAFETY: it changes what this thread sees, and takes no pointer.
    #[expect(unsafe_code, reason = "the standard library has no namespaces")]
    let unshared = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    if unshared != 0 {
        return Err(format!("a mount namespace: {}", io::Error::last_os_error()));
    }
    done(Command::new("mount").args(["--make-rprivate", "/"]))
}

/// Numbers of the protocol between the kernel and a file system (`linux/fuse.h`).
mod fuse {
    pub(super) const GETATTR: u32 = 3;
    pub(super) const OPEN: u32 = 14;
    pub(super) const READ: u32 = 15;
    pub(super) const WRITE: u32 = 16;
    pub(super) const RELEASE: u32 = 18;
    pub(super) const FSYNC: u32 = 20;
    pub(super) const FLUSH: u32 = 25;
    pub(super) const INIT: u32 = 26;
    pub(super) const INTERRUPT: u32 = 36;
    pub(super) const FORGETS: [u32; 2] = [2, 42];

    /// Length, operation, a number for the answer, and five more that do not matter here.
    pub(super) const HEADER: usize = 40;
    /// Handle, offset, size, and three more.
    pub(super) const WRITE_HEADER: usize = 40;
    /// Several pages in a request, more of them than usual.
    pub(super) const FEATURES: u32 = 1 << 5 | 1 << 22;
    /// Nothing is kept in the page cache of this file system.
    pub(super) const DIRECT: u32 = 1;
}

/// Answers the kernel until the file system is unmounted.
fn serve(mut channel: &File, disk: usize, power: &Mutex<Power>) {
    let mut buffer = vec![0; LARGEST + 2 * BLOCK];
    loop {
        let request = match channel.read(&mut buffer) {
            Ok(length) => &buffer[..length],
            Err(error) => match error.raw_os_error() {
                // A request that was taken back.
                Some(libc::ENOENT | libc::EINTR | libc::EAGAIN) => continue,
                _ => return,
            },
        };
        let operation = u32_at(request, 4);
        if operation == fuse::INTERRUPT || fuse::FORGETS.contains(&operation) {
            continue;
        }
        let answer = answered(operation, &request[fuse::HEADER..], disk, power);
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(error) => (-error, Vec::new()),
        };
        let mut reply = u32::try_from(16 + body.len())
            .unwrap()
            .to_ne_bytes()
            .to_vec();
        reply.extend(error.to_ne_bytes());
        reply.extend(&request[8..16]);
        reply.extend(body);
        // Whoever asked may be gone.
        let _ = channel.write(&reply);
    }
}

fn answered(
    operation: u32,
    body: &[u8],
    disk: usize,
    power: &Mutex<Power>,
) -> Result<Vec<u8>, i32> {
    let range = || {
        (
            usize::try_from(u64_at(body, 8)).unwrap(),
            u32_at(body, 16) as usize,
        )
    };
    match operation {
        fuse::INIT => {
            let largest = u32::try_from(LARGEST).unwrap();
            let pages = u16::try_from(LARGEST / BLOCK).unwrap();
            let features = u32_at(body, 12) & fuse::FEATURES;
            let mut init: Vec<u8> = [7, 31, 0, features]
                .into_iter()
                .flat_map(u32::to_ne_bytes)
                .collect();
            init.extend([16_u16, 12].into_iter().flat_map(u16::to_ne_bytes));
            init.extend([largest, 1].into_iter().flat_map(u32::to_ne_bytes));
            init.extend([pages, 0].into_iter().flat_map(u16::to_ne_bytes));
            init.resize(64, 0);
            Ok(init)
        }
        fuse::GETATTR => {
            // Valid for a day, and then what a file is.
            let mut attributes = words([86_400, 0, 1, SIZE as u64, SIZE as u64 / 512, 0, 0, 0]);
            let small = [0, 0, 0, libc::S_IFREG | 0o600, 1, 0, 0, 0, 4096, 0];
            attributes.extend(small.into_iter().flat_map(u32::to_ne_bytes));
            Ok(attributes)
        }
        fuse::OPEN => Ok(words([0, fuse::DIRECT.into()])),
        fuse::READ => {
            let (at, size) = range();
            let end = (at + size).min(SIZE);
            Ok(power.lock().unwrap().platters[disk].seen[at.min(end)..end].to_vec())
        }
        fuse::WRITE => {
            let (at, size) = range();
            let bytes = &body[fuse::WRITE_HEADER..];
            if at + size > SIZE || bytes.len() != size {
                return Err(libc::EFBIG);
            }
            power.lock().unwrap().write(disk, at, bytes);
            Ok(words([size as u64]))
        }
        fuse::FSYNC => {
            power.lock().unwrap().flush(disk);
            Ok(Vec::new())
        }
        fuse::FLUSH | fuse::RELEASE => Ok(Vec::new()),
        _ => Err(libc::ENOSYS),
    }
}

fn words<const N: usize>(words: [u64; N]) -> Vec<u8> {
    words.into_iter().flat_map(u64::to_ne_bytes).collect()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}
