;; Before Leiningen begins: where packages are kept (LEIN_LOCAL_REPO), and the mirror of the registry that this machine uses
;; (MAVEN_MIRROR_URL), for every project and profile. A profile would not do: `with-profile` leaves the user's out.
(require 'leiningen.core.project)

(let [{repository "LEIN_LOCAL_REPO" mirror "MAVEN_MIRROR_URL"} (System/getenv)]
  (alter-var-root #'leiningen.core.project/defaults
                  #(cond-> %
                     repository (assoc :local-repo repository)
                     mirror (assoc :mirrors {"central" {:name "machine" :url mirror}}))))
