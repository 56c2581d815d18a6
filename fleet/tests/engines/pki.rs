//! Certificates, requests and lists, judged by openssl.

use std::path::Path;
use std::time::{Duration, SystemTime};

use fleet::pki::{
    Authorities, CRL_LIFE, KioskCertificate, LEAF_LIFE, PkiError, REQUEST_MAX, RequestError, Revoked,
    RevokedBecause, check_request,
};
use protocol::topic::KioskId;

use crate::support::{failure, output, run};

const P256: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";

struct Place {
    dir: tempfile::TempDir,
    authorities: Authorities,
    now: SystemTime,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let authorities = Authorities::load_or_create(dir.path(), now).unwrap();
        Self { dir, authorities, now }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn openssl(&self, arguments: &str) -> String {
        output(self.path(), &format!("openssl {arguments}"))
    }

    fn request(&self, arguments: &str) -> String {
        self.openssl(&format!("req -new -nodes -keyout k.key -out k.csr {arguments}"));
        std::fs::read_to_string(self.path().join("k.csr")).unwrap()
    }

    /// A kiosk's certificate in `<id>.pem`, its key in `<id>.key`.
    fn kiosk(&self, id: &str) -> KioskCertificate {
        let request = check_request(&self.request(&format!("{P256} -subj /CN=fleetd"))).unwrap();
        let certificate =
            self.authorities.kiosk.sign(&KioskId::new(id).unwrap(), &request, self.now).unwrap();
        self.write(&format!("{id}.pem"), &certificate.pem);
        std::fs::rename(self.path().join("k.key"), self.path().join(format!("{id}.key"))).unwrap();
        certificate
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    fn list(&self, revoked: &[Revoked], number: u64) -> String {
        let list = self.authorities.kiosk.revocation_list(revoked, number, self.now).unwrap();
        self.write("kiosk.crl", &list);
        list
    }
}

const VERIFY: &str = "verify -x509_strict -purpose sslclient -CAfile kiosk-ca.pem";

#[test]
fn a_kiosk_gets_its_id_for_one_year_whatever_its_request_says() {
    let place = Place::new();
    let extensions = "-addext subjectAltName=DNS:evil -addext basicConstraints=critical,CA:TRUE \
                      -addext extendedKeyUsage=serverAuth,1.2.3.4";
    let pem = place.request(&format!("{P256} -subj /O=x/CN=fleetd {extensions}"));
    let request = check_request(&pem).unwrap();
    let kiosk = KioskId::new("t7.k0042").unwrap();
    let certificate = place.authorities.kiosk.sign(&kiosk, &request, place.now).unwrap();
    place.write("c.pem", &certificate.pem);

    assert!(place.openssl(&format!("{VERIFY} c.pem")).contains("OK"));
    let text = place.openssl("x509 -in c.pem -noout -text");
    assert!(text.contains("Subject: CN = t7.k0042\n"), "{text}");
    assert!(text.contains("X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n"));
    assert!(text.contains("CA:FALSE"));
    for foreign in ["evil", "fleetd", "Server", "CA:TRUE", "1.2.3.4"] {
        assert!(!text.contains(foreign), "{foreign} in {text}");
    }
    failure(place.path(), "openssl verify -purpose sslserver -CAfile kiosk-ca.pem c.pem");
    failure(place.path(), "openssl verify -CAfile fleet-ca.pem c.pem");

    let serial = place.openssl("x509 -in c.pem -noout -serial");
    let digits = serial.trim().trim_start_matches("serial=").to_lowercase();
    assert_eq!(format!("{digits:0>32}"), certificate.serial.to_string());
    let key = place.openssl("x509 -in c.pem -noout -pubkey");
    assert_eq!(key, place.openssl("req -in k.csr -noout -pubkey"));
    place.write("key.pem", &key);
    place.openssl("pkey -pubin -in key.pem -outform DER -out key.der");
    assert!(place.openssl("dgst -sha256 -r key.der").starts_with(&certificate.key_id));

    let life = certificate.not_after.duration_since(place.now).unwrap();
    assert!(life <= LEAF_LIFE && life + Duration::from_secs(1) > LEAF_LIFE);
    let at = |time: SystemTime| {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        run(place.path(), &format!("openssl {VERIFY} -attime {seconds} c.pem")).status.success()
    };
    assert!(at(certificate.not_after - Duration::from_secs(1)));
    assert!(!at(certificate.not_after + Duration::from_secs(1)));
}

#[test]
fn only_a_p256_key_that_signed_its_own_request_is_accepted() {
    let place = Place::new();
    let good = place.request(&format!("{P256} -subj /"));
    assert!(check_request(&good).is_ok());

    let rsa = place.request("-newkey rsa:2048 -subj /CN=k1");
    let p384 = place.request("-newkey ec -pkeyopt ec_paramgen_curve:P-384 -subj /CN=k1");
    let ed25519 = place.request("-newkey ed25519 -subj /CN=k1");
    let sha512 = place.request(&format!("{P256} -sha512 -subj /CN=k1"));
    let explicit = place.request(&format!("{P256} -pkeyopt ec_param_enc:explicit -subj /CN=k1"));
    for (pem, expected) in [
        (&rsa, "the key is rsaEncryption; only ECDSA P-256 is accepted"),
        (&p384, "the key is id-ecPublicKey secp384r1; only ECDSA P-256 is accepted"),
        (&sha512, "the request is not signed with ECDSA and SHA-256"),
    ] {
        assert_eq!(check_request(pem).unwrap_err().to_string(), expected);
    }
    assert!(matches!(check_request(&ed25519), Err(RequestError::Key(_))));
    assert!(matches!(check_request(&explicit), Err(RequestError::Key(_))));

    let other = place.request(&format!("{P256} -subj /CN=x"));
    place.write("good.csr", &good);
    place.openssl("req -in good.csr -outform DER -out good.der");
    let mut broken = std::fs::read(place.path().join("good.der")).unwrap();
    *broken.last_mut().unwrap() ^= 1;
    std::fs::write(place.path().join("broken.der"), broken).unwrap();
    place.openssl("req -inform DER -in broken.der -out broken.csr");
    let broken = std::fs::read_to_string(place.path().join("broken.csr")).unwrap();
    let verdict = run(place.path(), "openssl req -in broken.csr -noout -verify").stderr;
    assert!(String::from_utf8_lossy(&verdict).contains("verify failure"));
    assert_eq!(check_request(&broken), Err(RequestError::Signature));

    let huge = format!("{}{}", "x".repeat(100_000), other);
    assert_eq!(check_request(&huge), Err(RequestError::TooLong(huge.len())));
    let text = format!("the request has {} bytes, {REQUEST_MAX} are allowed", huge.len());
    assert_eq!(check_request(&huge).unwrap_err().to_string(), text);
    for no_request in ["", "hello", place.authorities.kiosk.certificate_pem()] {
        assert_eq!(check_request(no_request), Err(RequestError::NotPem), "{no_request}");
    }
    let hollow = "-----BEGIN CERTIFICATE REQUEST-----\naGVsbG8=\n-----END CERTIFICATE REQUEST-----\n";
    assert_eq!(check_request(hollow), Err(RequestError::Malformed));
}

#[test]
fn a_revoked_kiosk_is_refused_and_the_others_are_not() {
    let place = Place::new();
    let (stolen, sold) = (place.kiosk("k1"), place.kiosk("k2"));
    place.kiosk("k3");
    let check = format!("openssl {VERIFY} -CRLfile kiosk.crl -crl_check");
    place.list(&[], 1);
    for id in ["k1", "k2", "k3"] {
        output(place.path(), &format!("{check} {id}.pem"));
    }
    let revoked = [
        Revoked { serial: stolen.serial, at: place.now, because: RevokedBecause::KeyCompromise },
        Revoked { serial: sold.serial, at: place.now, because: RevokedBecause::CessationOfOperation },
    ];
    let list = place.list(&revoked, 41);
    let still_revoked = |number: &str| {
        for id in ["k1", "k2"] {
            assert!(failure(place.path(), &format!("{check} {id}.pem")).contains("certificate revoked"));
        }
        output(place.path(), &format!("{check} k3.pem"));
        let text = place.openssl("crl -in kiosk.crl -noout -text -CAfile kiosk-ca.pem");
        assert!(text.contains(&format!("CRL Number: \n                {number}\n")), "{text}");
        assert!(text.contains("Key Compromise") && text.contains("Cessation Of Operation"), "{text}");
    };
    still_revoked("41");

    let day = Duration::from_secs(24 * 3600);
    let after = |time: SystemTime| {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        run(place.path(), &format!("{check} -attime {seconds} k3.pem")).status.success()
    };
    assert!(after(place.now + CRL_LIFE - day));
    assert!(!after(place.now + CRL_LIFE + day));
    let prolonged = place.authorities.kiosk.prolong(&list, place.now + CRL_LIFE).unwrap();
    place.write("kiosk.crl", &prolonged);
    assert!(after(place.now + CRL_LIFE + day));
    place.write("kiosk.crl", &place.authorities.kiosk.prolong(&list, place.now).unwrap());
    still_revoked("42");

    let foreign = Place::new().list(&revoked, 1);
    assert!(matches!(place.authorities.kiosk.prolong(&foreign, place.now), Err(PkiError::ForeignList)));
    assert!(matches!(place.authorities.kiosk.prolong("", place.now), Err(PkiError::ForeignList)));
}

#[test]
fn a_server_is_known_by_every_name_it_was_given() {
    let place = Place::new();
    let names = ["fleet.example.net", "localhost", "192.0.2.7", "::1"].map(str::to_owned);
    let identity = place.authorities.fleet.issue_server(&names, place.now).unwrap();
    place.write("s.pem", &identity.certificate_pem);
    let verify = "openssl verify -x509_strict -purpose sslserver -CAfile fleet-ca.pem";
    for name in ["hostname fleet.example.net", "hostname localhost", "ip 192.0.2.7", "ip ::1"] {
        output(place.path(), &format!("{verify} -verify_{name} s.pem"));
    }
    failure(place.path(), &format!("{verify} -verify_hostname example.net s.pem"));
    failure(place.path(), "openssl verify -purpose sslclient -CAfile fleet-ca.pem s.pem");
    place.write("s.key", &identity.key_pem);
    assert_eq!(place.openssl("pkey -in s.key -pubout"), place.openssl("x509 -in s.pem -noout -pubkey"));
    for bad in ["", "a b", "-a", "a..b", "ä.example", "a/b", "*"] {
        let refused = place.authorities.fleet.issue_server(&[bad.to_owned()], place.now);
        assert!(matches!(refused, Err(PkiError::ServerName(_))), "{bad}");
    }
    assert!(place.authorities.fleet.issue_server(&[], place.now).is_err());
}

#[test]
fn fleetd_is_a_client_of_the_fleet_authority() {
    let place = Place::new();
    let identity = place.authorities.fleet.issue_fleetd(place.now).unwrap();
    place.write("f.pem", &identity.certificate_pem);
    output(place.path(), "openssl verify -x509_strict -purpose sslclient -CAfile fleet-ca.pem f.pem");
    failure(place.path(), "openssl verify -CAfile kiosk-ca.pem f.pem");
    assert_eq!(place.openssl("x509 -in f.pem -noout -subject"), "subject=CN = fleetd\n");
    assert!(!format!("{identity:?}").contains("PRIVATE"));
}

#[test]
fn authorities_come_back_from_their_folder_and_nothing_is_made_twice() {
    let place = Place::new();
    let again = Authorities::load_or_create(place.path(), place.now).unwrap();
    assert_eq!(again.kiosk.certificate_pem(), place.authorities.kiosk.certificate_pem());
    assert_eq!(again.fleet.certificate_pem(), place.authorities.fleet.certificate_pem());
    let request = check_request(&place.request(&format!("{P256} -subj /"))).unwrap();
    let id = KioskId::new("k1").unwrap();
    place.write("c.pem", &again.kiosk.sign(&id, &request, place.now).unwrap().pem);
    place.openssl(&format!("{VERIFY} c.pem"));

    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(place.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("kiosk-ca.key"), mode("fleet-ca.key")), (0o600, 0o600));
    let text = place.openssl("x509 -in kiosk-ca.pem -noout -text");
    assert!(text.contains("CA:TRUE, pathlen:0") && text.contains("prime256v1"), "{text}");

    let years = Duration::from_secs(11 * 365 * 24 * 3600);
    let late = again.kiosk.sign(&id, &request, place.now + years);
    assert!(matches!(late, Err(PkiError::AuthorityExpired(_))));
    let almost = place.now + Duration::from_secs((10 * 365 - 30) * 24 * 3600);
    let short = again.kiosk.sign(&id, &request, almost).unwrap();
    assert!(short.not_after < almost + Duration::from_secs(31 * 24 * 3600));
}

#[test]
fn a_damaged_folder_is_refused_by_the_name_of_the_file() {
    let place = Place::new();
    let says = |expected: &str| {
        let error = Authorities::load_or_create(place.path(), place.now).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let path = |name: &str| place.path().join(name);
    std::fs::rename(path("kiosk-ca.key"), path("away")).unwrap();
    says("kiosk-ca.key is missing");
    std::fs::copy(path("fleet-ca.key"), path("kiosk-ca.key")).unwrap();
    says("kiosk-ca.pem do not belong together");
    output(place.path(), "chmod 640 kiosk-ca.key");
    says("kiosk-ca.key can be read by others (mode 640)");
    std::fs::rename(path("away"), path("kiosk-ca.key")).unwrap();
    std::fs::rename(path("fleet-ca.pem"), path("fleet-ca.good")).unwrap();
    place.write("fleet-ca.pem", "garbage");
    says("fleet-ca.pem is no certificate");
    std::fs::copy(path("kiosk-ca.pem"), path("fleet-ca.pem")).unwrap();
    says("fleet-ca.pem is no certificate of the fleet's authority");
    std::fs::rename(path("fleet-ca.good"), path("fleet-ca.pem")).unwrap();
    Authorities::load(place.path()).unwrap();
}
