import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;

/** Makes Java's store of trusted authorities from a bundle of certificates: Trust BUNDLE STORE. */
public class Trust {
  public static void main(String[] arguments) throws Exception {
    KeyStore store = KeyStore.getInstance("JKS");
    char[] password = "changeit".toCharArray();
    store.load(null, password);
    int number = 0;
    try (InputStream bundle = new FileInputStream(arguments[0])) {
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(bundle)) {
        store.setCertificateEntry("authority-" + ++number, each);
      }
    }
    if (number == 0) throw new IllegalStateException(arguments[0] + " holds no certificates");
    try (OutputStream file = new FileOutputStream(arguments[1])) {
      store.store(file, password);
    }
  }
}
