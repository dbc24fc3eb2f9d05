import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.SafeModeAction;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/** HDFS of one name node and one data node: `MiniHdfs FOLDER PORT`, with the commands of `main` on standard input. */
public class MiniHdfs {
  public static void main(String[] arguments) throws Exception {
    File folder = new File(arguments[0]);
    boolean isNew = !folder.exists();
    Configuration settings = new Configuration();
    settings.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.getPath());
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(settings)
        .nameNodePort(Integer.parseInt(arguments[1])).numDataNodes(1).format(isNew).build();
    cluster.waitActive();
    System.out.println("ready");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      switch (line) {
        case "safe mode": cluster.getFileSystem().setSafeMode(SafeModeAction.ENTER); break;
        case "out of safe mode": cluster.getFileSystem().setSafeMode(SafeModeAction.LEAVE); break;
        case "stop data node": cluster.stopDataNode(0); break;
        default: throw new IllegalArgumentException(line);
      }
      System.out.println(line);
    }
    cluster.shutdown();
  }
}
