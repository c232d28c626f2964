//! A disk of its own, whose power can be cut: a file system in an image, mounted by a loop device. What has not
//! reached the image when its copy is taken is gone, as behind a real power cut; and the machine's name for this start of
//! it is another one afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::process;

/// Where the kernel tells which start of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const IMAGE: u64 = 160 << 20;

/// The disk, unmounted with the value.
pub struct Disk {
    image: PathBuf,
    at: PathBuf,
    boot: PathBuf,
}

impl Disk {
    /// Makes one, mounted at `disk` in this folder. `None`: it needs root, and a loop device.
    pub fn mount(dir: &Path) -> Option<Disk> {
        let disk = Disk { image: dir.join("image"), at: dir.join("disk"), boot: dir.join("boot") };
        fs::create_dir(&disk.at).ok()?;
        fs::File::create(&disk.image).ok()?.set_len(IMAGE).ok()?;
        disk.boots(1);
        let made = run(Command::new("mkfs.ext4").arg("-q").arg(&disk.image));
        (made && disk.attach()).then_some(disk)
    }

    fn attach(&self) -> bool {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    /// What the server is started with: it sees the start of the machine that is told here.
    pub fn wrapper(&self) -> Vec<String> {
        let script = format!("mount --bind {} {BOOT_ID} && exec \"$@\"", self.boot.display());
        ["unshare", "-m", "sh", "-c", &script, "sh"].map(str::to_owned).to_vec()
    }

    fn boots(&self, times: u32) {
        let text = format!("{times:08x}-0000-4000-8000-000000000000\n");
        fs::write(&self.boot, text).expect("the start of the machine");
    }

    /// Cuts the power of the server's processes; `end` waits for those that were killed.
    pub fn cut(&self, pids: impl Fn() -> Vec<u32>, times: u32, end: impl FnOnce()) {
        // Nothing happens any more but what the system does by itself.
        let mut stopped = Vec::new();
        while let Some(pid) = pids().into_iter().find(|pid| !stopped.contains(pid)) {
            process::signal(pid, "STOP");
            stopped.push(pid);
        }
        let copy = self.image.with_extension("cut");
        let copied = run(Command::new("cp").arg("--sparse=always").arg(&self.image).arg(&copy));
        assert!(copied, "a copy of the disk");
        stopped.iter().for_each(|&pid| process::signal(pid, "KILL"));
        end();
        stopped.into_iter().for_each(process::wait_for_end);
        assert!(support::comes(|| run(Command::new("umount").arg(&self.at))), "the disk is in use");
        fs::rename(&copy, &self.image).expect("the disk as it was");
        self.boots(1 + times);
        assert!(self.attach(), "the disk comes back");
    }

    /// Fills it to the last byte; gives what takes that back.
    pub fn fill(&self) -> Filler {
        let filler = Filler(self.at.join("filler"));
        let _ = fs::write(&filler.0, vec![1; IMAGE as usize]);
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("-l").arg(&self.at));
    }
}

/// What fills a disk, removed with the value.
pub struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
