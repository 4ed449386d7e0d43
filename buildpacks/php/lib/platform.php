<?php

// Reads requirements (name, constraint and who asks, separated by tabs) and prints those that this PHP does not meet.
require getenv('SLIPWAY_PHP_LIBRARY') . '/Composer/Semver/autoload.php';

$unmet = 0;
while (($line = fgets(STDIN)) !== false) {
    [$name, $constraint, $asker] = explode("\t", rtrim($line, "\n"));
    $extension = strtolower(substr($name, 4));
    $extension = $extension === 'zend-opcache' ? 'zend opcache' : $extension;
    $version = $name === 'php' ? PHP_VERSION : (extension_loaded($extension) ? phpversion($extension) : null);
    $version = is_string($version) && preg_match('/^\d+(\.\d+)*/', $version, $match) ? $match[0] : $version;
    try {
        $met = $version !== null && ($version === false || Composer\Semver\Semver::satisfies($version, $constraint));
    } catch (UnexpectedValueException $error) {
        $met = false;
        $version = 'a constraint that cannot be read';
    }
    if (!$met) {
        echo '  ', $asker, ' requires ', $name, ' ', $constraint, $version === null ? '' : " (there is $version)", "\n";
        $unmet++;
    }
}
exit($unmet === 0 ? 0 : 1);
