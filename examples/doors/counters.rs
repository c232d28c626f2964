//! `visits_zone KEY zone=NAME:SIZE;` and `visits NAME;`: how often each key has been asked for, in all workers, and across
//! reloads; told in `X-Visits`. Counters in shared memory.

use std::rc::Rc;

use rserve_sdk::prelude::*;

const ZONE: &str = "visits_zone";
/// Longer keys are not counted.
const LONGEST: usize = 255;

settings! {
    /// What the directives set.
    #[derive(Default)]
    pub struct Conf {
        raw visits_zone: Vec<Rc<KeyedZone>> = (contexts!(HTTP), Arity::Exactly(2), set_zone, "", "memory for counts: KEY zone=NAME:SIZE");
        raw visits: Word = (contexts!(HTTP | SERVER | LOCATION), Arity::Exactly(1), set_visits, "", "count in the zone of this name");
    }
}

fn set_zone(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let before = conf.visits_zone.as_slice().iter().map(|zone| &**zone);
    // `false`: what a worker has counted stays when it ends.
    let zone = KeyedZone::read(ZONE, setting, false, before, |_, _| Ok(false))?;
    conf.visits_zone.push(Rc::new(zone));
    Ok(())
}

fn set_visits(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.visits.set_in(setting.args()[0].clone(), setting)
}

/// The module.
pub struct Visits;

impl Module for Visits {
    const NAME: &'static str = "visits";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn declare(conf: &Conf, declarations: &Declarations<'_, '_>) -> Result<(), Error> {
        for zone in conf.visits_zone.as_slice() {
            let zone = zone.clone();
            // The key has variables, and those of other modules are not made yet.
            declarations.later(move |declarations| zone.compile(declarations));
        }
        Ok(())
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let zones = conf.visits_zone.as_slice();
        zones.iter().try_for_each(|zone| zone.install(hooks))?;
        if let Some(name) = conf.visits.get() {
            let zone = zones.iter().find(|zone| zone.name() == name.text);
            let zone = zone.ok_or_else(|| undeclared_zone(name, ZONE, hooks))?;
            hooks.filter(Order::Module, Count { zone: zone.clone() });
        }
        Ok(())
    }
}

struct Count {
    zone: Rc<KeyedZone>,
}

impl Filter for Count {
    fn header(&self, request: &mut Request) -> Option<u16> {
        let key = self.zone.key(request, LONGEST)?;
        let visits = self.count(&key);
        let value = request.pool.write(|text| text.push(visits.to_string().as_bytes()));
        request.response.add_header("X-Visits", value);
        None
    }
}

impl Count {
    fn count(&self, key: &[u8]) -> u64 {
        let Some(table) = self.zone.table.table() else { return 0 };
        let key = table.key(key);
        // All workers wait for this lock: what is done under it is short, and waits for nothing.
        let locked = table.lock();
        if let Some(entry) = locked.find(key, 0) {
            locked.touch(entry);
            let [count, _] = locked.value(entry);
            count.add(1);
            return count.get();
        }
        // The zone is full: the least recently counted one goes.
        while locked.insert(key, 0, [1, 0]).is_none() {
            let Some(oldest) = locked.oldest() else { return 0 };
            locked.remove(oldest);
        }
        1
    }
}
