//! The users of the demo. All are fictional.

use crate::domain::Role;

/// An account of the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoUser {
    /// Username, to sign in with.
    pub username: &'static str,
    /// Display name.
    pub display_name: &'static str,
    /// Email address, to sign in with if it is verified.
    pub email: &'static str,
    /// Whether the address is verified.
    pub verified: bool,
    /// Whether this is a site administrator.
    pub admin: bool,
    /// Role in each organization, by slug.
    pub roles: &'static [(&'static str, Role)],
}

macro_rules! person {
    ($username:literal, $name:literal, [$($role:expr),*]) => { person!(@ $username, $name, true, false, [$($role),*]) };
    (admin $username:literal, $name:literal, [$($role:expr),*]) => { person!(@ $username, $name, true, true, [$($role),*]) };
    (unverified $username:literal, $name:literal, [$($role:expr),*]) => { person!(@ $username, $name, false, false, [$($role),*]) };
    (@ $username:literal, $name:literal, $verified:literal, $admin:literal, [$($role:expr),*]) => {
        DemoUser {
            username: $username,
            display_name: $name,
            email: concat!($username, "@example.org"),
            verified: $verified,
            admin: $admin,
            roles: &[$($role),*],
        }
    };
}

/// All users, in the order of their sign-up.
pub const PEOPLE: &[DemoUser] = &[
    // The site administrator, in no organization.
    person!(admin "admin", "Site Administrator", []),
    // Pixel Pals: a small team. One lead, two project managers, annotators.
    person!("mira", "Mira Castellan", [("pixel-pals", Role::Owner)]),
    person!("tobias", "Tobias Lindqvast", [("pixel-pals", Role::Supervisor)]),
    person!("yuki", "Yuki Haranobu", [("pixel-pals", Role::Supervisor), ("vision-lab", Role::Worker)]),
    person!("femi", "Femi Adewunle", [("pixel-pals", Role::Worker)]),
    person!("lucia", "Lucía Barrosena", [("pixel-pals", Role::Worker)]),
    person!("noor", "Noor el-Sayegha", [("pixel-pals", Role::Worker), ("northwind", Role::Worker)]),
    person!("piotr", "Piotr Zalewicz", [("pixel-pals", Role::Worker)]),
    // Northwind Autonomy: a large enterprise. Department leads, project managers, annotation teams.
    person!("greta", "Greta Holmqvard", [("northwind", Role::Owner)]),
    person!("samuel", "Samuel Okonjeri", [("northwind", Role::Maintainer)]),
    person!("ines", "Inês Carvalhosa", [("northwind", Role::Maintainer), ("vision-lab", Role::Supervisor)]),
    person!("arjun", "Arjun Mehrotani", [("northwind", Role::Maintainer)]),
    person!("hana", "Hana Kobayakata", [("northwind", Role::Supervisor)]),
    person!("oliver", "Oliver Brandtner", [("northwind", Role::Supervisor)]),
    person!("zeynep", "Zeynep Karadalli", [("northwind", Role::Supervisor)]),
    person!("mateo", "Mateo Villasante", [("northwind", Role::Supervisor), ("pixel-pals", Role::Worker)]),
    person!("chidi", "Chidi Nwakaeze", [("northwind", Role::Supervisor)]),
    // Northwind's annotation teams.
    person!("agnes.almgreve", "Agnes Almgreve", [("northwind", Role::Worker)]),
    person!("bilal.bensouri", "Bilal Bensouri", [("northwind", Role::Worker)]),
    person!("carmen.cordavez", "Carmen Cordavez", [("northwind", Role::Worker)]),
    person!("dmitri.drachenko", "Dmitri Drachenko", [("northwind", Role::Worker)]),
    person!("elena.estevao", "Elena Estevao", [("northwind", Role::Worker)]),
    person!("farid.farahmani", "Farid Farahmani", [("northwind", Role::Worker)]),
    person!("giulia.gallibert", "Giulia Gallibert", [("northwind", Role::Worker)]),
    person!("hugo.hofstaden", "Hugo Hofstaden", [("northwind", Role::Worker)]),
    person!("ivana.ivanesko", "Ivana Ivanesko", [("northwind", Role::Worker)]),
    person!("jonas.jensrud", "Jonas Jensrud", [("northwind", Role::Worker)]),
    person!("kavya.krishnavel", "Kavya Krishnavel", [("northwind", Role::Worker)]),
    person!("leandro.lombardiero", "Leandro Lombardiero", [("northwind", Role::Worker)]),
    person!("malin.mbelane", "Malin Mbelane", [("northwind", Role::Worker)]),
    person!("nadia.norrvik", "Nadia Norrvik", [("northwind", Role::Worker)]),
    person!("oscar.obradin", "Oscar Obradin", [("northwind", Role::Worker)]),
    person!("paloma.petrakos", "Paloma Petrakos", [("northwind", Role::Worker)]),
    person!("quentin.quintavar", "Quentin Quintavar", [("northwind", Role::Worker)]),
    person!("rania.rosendahlin", "Rania Rosendahlin", [("northwind", Role::Worker)]),
    person!("stefan.sarkovic", "Stefan Sarkovic", [("northwind", Role::Worker)]),
    person!("thandi.tshabang", "Thandi Tshabang", [("northwind", Role::Worker)]),
    person!("umar.ulvestad", "Umar Ulvestad", [("northwind", Role::Worker)]),
    person!("vera.vantreight", "Vera Vantreight", [("northwind", Role::Worker)]),
    person!("wanja.wachirani", "Wanja Wachirani", [("northwind", Role::Worker)]),
    person!("ximena.xiberta", "Ximena Xiberta", [("northwind", Role::Worker)]),
    person!("yusuf.yildrak", "Yusuf Yildrak", [("northwind", Role::Worker)]),
    person!("zofia.zamojska", "Zofia Zamojska", [("northwind", Role::Worker)]),
    person!("amara.abernethin", "Amara Abernethin", [("northwind", Role::Worker)]),
    person!("bruno.brunoldi", "Bruno Brunoldi", [("northwind", Role::Worker)]),
    person!("celeste.coppersmyth", "Celeste Coppersmyth", [("northwind", Role::Worker)]),
    person!("darius.dlaminek", "Darius Dlaminek", [("northwind", Role::Worker)]),
    person!("edda.eikelbom", "Edda Eikelbom", [("northwind", Role::Worker)]),
    person!("florian.fontanares", "Florian Fontanares", [("northwind", Role::Worker)]),
    person!("gwen.grzeslak", "Gwen Grzeslak", [("northwind", Role::Worker)]),
    person!("hamza.hakimov", "Hamza Hakimov", [("northwind", Role::Worker)]),
    person!("iris.isaksrud", "Iris Isaksrud", [("northwind", Role::Worker)]),
    person!("jakub.jurgenova", "Jakub Jurgenova", [("northwind", Role::Worker)]),
    // Vision Lab: a research group. Principal investigator, senior researchers, PhD students, annotators and
    // assistants.
    person!("eleni", "Eleni Papadakou", [("vision-lab", Role::Owner), ("pixel-pals", Role::Worker)]),
    person!("rasmus", "Rasmus Thorvik", [("vision-lab", Role::Maintainer)]),
    person!("adaeze", "Adaeze Okparanta-Lund", [("vision-lab", Role::Maintainer)]),
    person!("linh", "Linh Nguyentran", [("vision-lab", Role::Supervisor)]),
    person!("pavel", "Pavel Dvorskin", [("vision-lab", Role::Supervisor)]),
    person!("sofia", "Sofia Marchettina", [("vision-lab", Role::Supervisor), ("northwind", Role::Worker)]),
    person!("kwame", "Kwame Boatengar", [("vision-lab", Role::Worker)]),
    person!("astrid", "Astrid Nygardsen", [("vision-lab", Role::Worker)]),
    person!("rohan", "Rohan Deshpandar", [("vision-lab", Role::Worker)]),
    person!("clara", "Clara Weissmond", [("vision-lab", Role::Worker)]),
    // In no organization: one user with a pending invitation, one with an unverified address.
    person!("nadim", "Nadim Harroubi", []),
    person!(unverified "pia", "Pia Sandbergh", []),
];
